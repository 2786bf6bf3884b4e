/** The built agent on the networks that laptops meet, and what it costs while nothing is asked. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  answerJson,
  startScriptedProxy,
  TEST_SECRET,
  type ScriptedProxy,
} from "../../agent/src/testing/scripted-proxy.ts";
import { createStandInClaude, type StandInClaude } from "../../src/test/claude-stand-in/create-stand-in.ts";
import { startAgent } from "../support/agent.ts";
import { makeCertificate } from "../support/certificate.ts";
import type { StartedProcess } from "../support/child-process.ts";

let proxy: ScriptedProxy;
let claude: StandInClaude;
let home: string;
let agent: StartedProcess | undefined;
let servers: Server[];

beforeEach(async () => {
  [agent, servers] = [undefined, []];
  proxy = await startScriptedProxy();
  claude = await createStandInClaude({ answer: { type: "echo" } });
  home = await mkdtemp(join(tmpdir(), "codewise-network-"));
});
afterEach(async () => {
  await agent?.stop();
  await proxy.close();
  for (const server of servers) server.close();
  await claude.remove();
  await rm(home, { recursive: true, force: true });
});

async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  servers.push(server);
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const proxyPort = (): number => Number(new URL(proxy.url).port);

async function start(url: string, env: Record<string, string> = {}): Promise<StartedProcess> {
  agent = await startAgent({
    url,
    id: "laptop",
    claudePath: claude.command,
    env: { HOME: home, CODEWISE_AGENT_SECRET: TEST_SECRET, ...env },
  });
  return agent;
}

/** Has the agent answer a request, over whatever lies between. */
async function serve(): Promise<string> {
  await proxy.until(() => proxy.received("hello").length > 0);
  proxy.request("r1");
  await proxy.until(() => proxy.last("r1")?.type === "complete");
  return proxy.text("r1");
}

describe("the agent", () => {
  it("goes through the proxy that HTTP_PROXY names, which alone knows the way", async () => {
    const asked: string[] = [];
    const tunnel = createHttpServer();
    tunnel.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      const inner = connectTcp(proxyPort(), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(inner).pipe(socket);
      });
      for (const end of [inner, socket]) end.on("error", () => end.destroy());
    });
    const port = await listen(tunnel);
    await start(`http://codewise.invalid:${proxyPort()}`, { HTTP_PROXY: `http://127.0.0.1:${port}` });
    expect(await serve()).toBe("Hello");
    expect(asked[0]).toBe(`codewise.invalid:${proxyPort()}`);
  });

  it("trusts an authority that NODE_EXTRA_CA_CERTS names, and tells what is wrong without it", async () => {
    const { key, cert, authorityPath } = await makeCertificate(home);
    const tls = createTlsServer({ key, cert }, (request, response) => {
      const inner = connectTcp(proxyPort(), "127.0.0.1");
      const head = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      inner.write(`${request.method} ${request.url} HTTP/1.1\r\n${head.join("")}\r\n`);
      request.pipe(inner, { end: false });
      inner.pipe(response.socket ?? inner);
      response.socket?.on("close", () => inner.destroy());
    });
    const port = await listen(tls);
    const url = `https://127.0.0.1:${port}`;
    const blind = await start(url);
    await blind.waitFor(/not connected.*(certificate|UNABLE_TO_VERIFY|SELF_SIGNED)/i);
    await blind.stop();
    await start(url, { NODE_EXTRA_CA_CERTS: authorityPath });
    expect(await serve()).toBe("Hello");
    tls.closeAllConnections();
  });

  it("speaks IPv6", async () => {
    const hop = createTcpServer((socket) => {
      const inner = connectTcp(proxyPort(), "127.0.0.1");
      socket.pipe(inner).pipe(socket);
      for (const end of [inner, socket]) end.on("error", () => end.destroy());
    });
    const port = await listen(hop, "::1");
    await start(`http://[::1]:${port}`);
    expect(await serve()).toBe("Hello");
  });

  it("tells what a captive portal answers, and waits until it lets it through", async () => {
    proxy.connectScripts.push(
      (response) => response.writeHead(302, { location: "http://portal.invalid/login" }).end(),
      (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>Welcome to the hotel"),
      (response) => response.writeHead(511, { "content-type": "text/html" }).end("<html>Log in"),
    );
    const started = await start(proxy.url);
    await started.waitFor(/redirects to http:\/\/portal\.invalid/);
    await started.waitFor(/no event stream/);
    await started.waitFor(/answered 511/);
    expect(await serve()).toBe("Hello");
  });

  it("is back within ten seconds of the network's return", async () => {
    const started = await start(proxy.url);
    await proxy.until(() => proxy.received("hello").length > 0);
    const { port } = new URL(proxy.url);
    await proxy.close();
    // Long enough that the waits have grown.
    await wait(12_000);
    expect(started.output()).toContain("not connected");
    proxy = await startScriptedProxy(Number(port));
    const returnedAt = performance.now();
    await proxy.until(() => proxy.received("hello").length > 0);
    expect(performance.now() - returnedAt).toBeLessThan(10_000);
  });

  it("costs less than 5 MB of traffic a day while nothing is asked", async () => {
    let bytes = 0;
    const meter = createTcpServer((socket) => {
      const inner = connectTcp(proxyPort(), "127.0.0.1");
      socket.on("data", (part) => (bytes += part.length));
      inner.on("data", (part) => (bytes += part.length));
      socket.pipe(inner).pipe(socket);
      for (const end of [inner, socket]) end.on("error", () => end.destroy());
    });
    const port = await listen(meter);
    await start(`http://127.0.0.1:${port}`);
    await proxy.until(() => proxy.received("hello").length > 0);
    const before = bytes;
    const PINGS = 20;
    for (let count = 1; count <= PINGS; count += 1) {
      proxy.send("ping", { now: count });
      await proxy.until(() => proxy.received("heartbeat").length === count);
    }
    const perDay = ((bytes - before) / PINGS) * (86_400 / 30);
    expect(perDay).toBeGreaterThan(0);
    expect(perDay).toBeLessThan(5_000_000);
  });

  it("holds less than 120 MB of memory while nothing is asked", async () => {
    const { child } = await start(proxy.url);
    expect(await serve()).toBe("Hello");
    await wait(2000);
    const status = await readFile(`/proc/${child.pid}/status`, "utf8");
    const residentKb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
    expect(residentKb).toBeGreaterThan(0);
    expect(residentKb).toBeLessThan(120_000);
  });

  it("is no stranger to a proxy that answers 503 while it starts", async () => {
    proxy.connectScripts.push((response) => answerJson(response, 503, { error: { message: "starting" } }));
    await start(proxy.url);
    expect(await serve()).toBe("Hello");
  });
});
