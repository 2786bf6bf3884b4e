import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProcess } from "../support/child-process.ts";
import { startProxy, type StartedProxy } from "../support/proxy.ts";

const BUILT = join(import.meta.dirname, "..", "..", ".next", "standalone");
const HTML = { accept: "text/html,*/*;q=0.8" };

describe("the pages of the built server", () => {
  let proxy: StartedProxy;

  beforeAll(async () => {
    proxy = await startProxy();
  });
  afterAll(() => proxy?.stop());

  it("come with every asset that they name, compressed and for ever cacheable, and none of it needs Next", async () => {
    const page = await fetch(`${proxy.url}/`, { headers: HTML });
    expect([page.status, page.headers.get("content-encoding")]).toEqual([200, "gzip"]);
    const assets = [...(await page.text()).matchAll(/(?:src|href)="(?<path>\/_next\/[^"]+)"/g)];
    expect(assets.length).toBeGreaterThan(5);
    for (const { groups } of assets) {
      const asset = await fetch(`${proxy.url}${groups?.["path"]}`);
      await asset.arrayBuffer();
      expect([asset.status, asset.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
      expect(asset.headers.get("content-type")).toMatch(/^(?:text\/(?:javascript|css); charset=utf-8|image\/)/);
      expect(asset.headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect(existsSync(join(BUILT, "node_modules", "next"))).toBe(false);
  });

  it("are 304 for a browser that has them", async () => {
    const { headers } = await fetch(`${proxy.url}/`, { headers: HTML });
    const again = await fetch(`${proxy.url}/`, { headers: { ...HTML, "if-none-match": headers.get("etag") ?? "" } });
    expect(again.status).toBe(304);
  });

  it("answer an unknown address with a page and the same policy, and what is no page with an error object", async () => {
    const unknown = await fetch(`${proxy.url}/no-such-page`, { headers: HTML });
    const policy = (await fetch(`${proxy.url}/`, { headers: HTML })).headers.get("content-security-policy");
    expect([unknown.status, unknown.headers.get("content-security-policy")]).toEqual([404, policy]);
    expect(await unknown.text()).toContain("Page not found");
    const posted = await fetch(`${proxy.url}/`, { method: "POST", headers: HTML });
    expect([posted.status, await posted.json()]).toMatchObject([404, { error: { code: "not_found" } }]);
  });
});

describe("the start of the built server", () => {
  it("opens the port first: it is alive and shows its page while the database does not answer", async () => {
    const connections = new Set<Socket>();
    const silent = createServer((socket) => connections.add(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const folder = mkdtempSync(join(tmpdir(), "codewise-start-"));
    const port = await freePort();
    const started = startProcess(process.execPath, [join(BUILT, "server.js")], {
      cwd: folder,
      env: {
        PORT: String(port),
        CODEWISE_DATA_DIR: folder,
        DATABASE_URL: `postgres://nobody@127.0.0.1:${(silent.address() as AddressInfo).port}/none`,
      },
    });
    try {
      const statusOf = (path: string): Promise<number> =>
        fetch(`http://127.0.0.1:${port}${path}`, { headers: HTML }).then(
          (response) => response.status,
          () => 0,
        );
      await expect.poll(() => statusOf("/healthz"), { timeout: 20_000 }).toBe(200);
      expect(await statusOf("/")).toBe(200);
      expect(started.output()).not.toContain("listens on");
    } finally {
      await started.stop("SIGKILL");
      for (const socket of connections) socket.destroy();
      silent.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
