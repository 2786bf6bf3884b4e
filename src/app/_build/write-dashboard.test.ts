import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dashboardManifestSchema } from "../../server/dashboard-manifest.ts";
import { writeDashboard } from "./write-dashboard.ts";

type Outputs = Parameters<typeof writeDashboard>[1];

const RULES = { headers: [{ regex: "^(?:/(.*))?$", headers: [{ key: "X-Frame-Options", value: "DENY" }] }] };
const TEXT = "<p>a page that says the same thing</p>".repeat(20);

let distDir: string;

beforeEach(async () => {
  distDir = await mkdtemp(join(tmpdir(), "codewise-build-"));
  await writeFile(join(distDir, "routes-manifest.json"), JSON.stringify(RULES));
  await writeFile(join(distDir, "page"), TEXT);
  await writeFile(join(distDir, "short"), "x");
});
afterEach(() => rm(distDir, { recursive: true }));

const staticFile = (pathname: string, name = "page") => ({ pathname, filePath: join(distDir, name) });
const prerender = (pathname: string, compute: string | undefined) => ({
  pathname,
  compute,
  routeType: compute === undefined ? undefined : "page",
  fallback: { filePath: join(distDir, "page") },
});

/** What Next hands over for a page, an asset and a mount of the data plane, with changes. */
function outputs(changes: Record<string, unknown> = {}): Outputs {
  const whole = {
    pages: [],
    pagesApi: [],
    appPages: [{ pathname: "/" }, { pathname: "/index.rsc" }, { pathname: "/_not-found" }],
    appRoutes: [{ pathname: "/v1/models" }, { pathname: "/healthz" }, { pathname: "/healthz.rsc" }],
    prerenders: [prerender("/", "static"), prerender("/index.rsc", undefined), prerender("/_global-error", "static")],
    staticFiles: [staticFile("/404"), staticFile("/500"), staticFile("/_next/static/a.js", "short")],
    ...changes,
  };
  return whole as unknown as Outputs;
}

describe("writeDashboard", () => {
  it("writes what has an address, with its headers and a compressed copy where that is smaller", async () => {
    await writeDashboard(distDir, outputs());
    const folder = join(distDir, "dashboard");
    const manifest = dashboardManifestSchema.parse(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")));
    const html = { "content-type": "text/html; charset=utf-8", "x-frame-options": "DENY" };
    expect(manifest).toEqual({
      files: [
        { path: "/", file: "index.html", compressed: true, headers: { ...html, "cache-control": "no-cache" } },
        {
          path: "/_next/static/a.js",
          file: "_next/static/a.js",
          compressed: false,
          headers: {
            "content-type": "text/javascript; charset=utf-8",
            "cache-control": "public, max-age=31536000, immutable",
            "x-frame-options": "DENY",
          },
        },
      ],
      notFound: { path: "/404", file: "404.html", compressed: true, headers: { ...html, "cache-control": "no-store" } },
    });
    expect(await readFile(join(folder, "index.html"), "utf8")).toBe(TEXT);
    expect(gunzipSync(await readFile(join(folder, "index.html.gz"))).toString()).toBe(TEXT);
  });

  it.each([
    ["a page without a prerendered form", { appPages: [{ pathname: "/live" }] }, "/live"],
    [
      "a page that only begins prerendered",
      { prerenders: [{ pathname: "/", routeType: "page", compute: "resuming" }] },
      "/",
    ],
    ["a route file outside of the data plane", { appRoutes: [{ pathname: "/feed" }] }, "/feed"],
    ["a middleware", { middleware: {} }, "middleware"],
  ])("refuses %s: the process that proxies does not render", async (_, changes, name) => {
    await expect(writeDashboard(distDir, outputs(changes))).rejects.toThrow(
      new RegExp(`${name} is rendered per request`),
    );
  });

  it("refuses a file whose content type it does not know", async () => {
    const strange = outputs({ staticFiles: [staticFile("/404"), staticFile("/a.strange")] });
    await expect(writeDashboard(distDir, strange)).rejects.toThrow("There is no content type for /a.strange.");
  });
});
