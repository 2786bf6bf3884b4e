import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request as sendRequest, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadDashboardFiles } from "./dashboard-files.ts";
import { MANIFEST_NAME, type DashboardManifest } from "./dashboard-manifest.ts";

const SCRIPT = "const answer = 42;\n".repeat(100);
const POLICY = { "content-security-policy": "default-src 'none'" };
const script = { "content-type": "text/javascript; charset=utf-8", "cache-control": "public, max-age=9", ...POLICY };
const html = { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache", ...POLICY };
const MANIFEST: DashboardManifest = {
  files: [
    { path: "/", file: "index.html", compressed: false, headers: html },
    { path: "/_next/a.js", file: "_next/a.js", compressed: true, headers: script },
  ],
  notFound: { path: "/404", file: "404.html", compressed: false, headers: { ...html, "cache-control": "no-store" } },
};

let directory: string;
let server: Server;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "codewise-dashboard-"));
  await mkdir(join(directory, "_next"));
  await writeFile(join(directory, MANIFEST_NAME), JSON.stringify(MANIFEST));
  await writeFile(join(directory, "index.html"), "<h1>page</h1>");
  await writeFile(join(directory, "404.html"), "<h1>not found</h1>");
  await writeFile(join(directory, "_next/a.js"), SCRIPT);
  await writeFile(join(directory, "_next/a.js.gz"), gzipSync(SCRIPT));
  server = createServer(await loadDashboardFiles(directory)).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends the target as it is: `fetch` would resolve its dots and decode nothing. */
async function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return await new Promise((resolve, reject) => {
    const request = sendRequest({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on("error", reject).end();
  });
}

describe("the built dashboard's files", () => {
  it("are answered with the headers of the manifest, a length and an ETag", async () => {
    const { status, headers, body } = await ask("/?tab=agents");
    expect([status, body.toString()]).toEqual([200, "<h1>page</h1>"]);
    expect(headers).toMatchObject({ ...html, "content-length": "13", etag: expect.stringMatching(/^"[\w-]{22}"$/) });
  });

  it("go out compressed to whoever accepts gzip, under an ETag of their own", async () => {
    const plain = await ask("/_next/a.js");
    const compressed = await ask("/_next/a.js", { "accept-encoding": "br, gzip;q=0.8" });
    expect(plain.body.toString()).toBe(SCRIPT);
    expect(gunzipSync(compressed.body).toString()).toBe(SCRIPT);
    expect(compressed.headers["content-encoding"]).toBe("gzip");
    expect(compressed.headers.etag).not.toBe(plain.headers.etag);
    expect([plain.headers.vary, compressed.headers.vary]).toEqual(["accept-encoding", "accept-encoding"]);
  });

  it.each(["gzip;q=0", "gzip;q=0.000", "br", "identity, xgzip"])(
    "stay plain for Accept-Encoding: %s",
    async (value) => {
      const { headers, body } = await ask("/_next/a.js", { "accept-encoding": value });
      expect(headers["content-encoding"]).toBeUndefined();
      expect(body.toString()).toBe(SCRIPT);
    },
  );

  it("answer HEAD with the same headers and no body", async () => {
    const whole = await ask("/_next/a.js");
    const head = await ask("/_next/a.js", {}, "HEAD");
    expect(head.body.length).toBe(0);
    expect({ ...head.headers, date: "" }).toEqual({ ...whole.headers, date: "" });
  });

  it("are 304 for the ETag that a client holds, alone, weak or in a list, and with *", async () => {
    const { etag = "" } = (await ask("/_next/a.js")).headers;
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const { status, headers, body } = await ask("/_next/a.js", { "if-none-match": value });
      expect([status, body.length, headers.etag]).toEqual([304, 0, etag]);
      expect(headers).toMatchObject({ "cache-control": "public, max-age=9", vary: "accept-encoding", ...POLICY });
      expect(headers["content-type"]).toBeUndefined();
    }
    expect((await ask("/_next/a.js", { "if-none-match": '"other"' })).status).toBe(200);
    // The compressed copy is another representation.
    expect((await ask("/_next/a.js", { "if-none-match": etag, "accept-encoding": "gzip" })).status).toBe(200);
  });

  it.each(["bytes=0-9", "bytes=-5", "bytes=5-2", "bytes=99999-", "items=0-1", "nonsense"])(
    "come whole for Range: %s",
    async (range) => {
      const { status, headers, body } = await ask("/_next/a.js", { range });
      expect([status, body.length, headers["content-range"]]).toEqual([200, SCRIPT.length, undefined]);
    },
  );

  it("are found under a percent-encoded path too", async () => {
    expect((await ask("/%5Fnext/%61.js")).body.toString()).toBe(SCRIPT);
  });

  it.each([
    "/no-such-page",
    "/404",
    "/index.html",
    "/_next",
    "/_next/",
    "/_next/a.js/",
    "/_next/a.js.gz",
    "/manifest.json",
    "//",
    "/../package.json",
    "/_next/../../package.json",
    "/_next/%2e%2e/%2e%2e/package.json",
    "/_next/..%2f..%2fpackage.json",
    "/_next/..\\..\\package.json",
    "/%00",
    "/%zz",
    "/%ff",
    "/__proto__",
    "/constructor",
    "http://elsewhere.example/nothing",
    "*",
  ])("are nothing but those of the manifest: %s is 404 with the page for it", async (path) => {
    const { status, headers, body } = await ask(path);
    expect([status, headers["cache-control"], body.toString()]).toEqual([404, "no-store", "<h1>not found</h1>"]);
    expect(headers).toMatchObject(POLICY);
  });

  it("is never 304 for an unknown page", async () => {
    const { etag = "" } = (await ask("/no-such-page")).headers;
    for (const value of [etag, "*"]) expect((await ask("/no-such-page", { "if-none-match": value })).status).toBe(404);
  });

  it("must all be there, or nothing is served", async () => {
    await rm(join(directory, "_next/a.js.gz"));
    await expect(loadDashboardFiles(directory)).rejects.toThrow(/ENOENT/);
  });
});
