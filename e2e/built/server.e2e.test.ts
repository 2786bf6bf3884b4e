import { once } from "node:events";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { get } from "node:http";
import { connect } from "node:net";
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import {
  anthropicEvents,
  anthropicFrames,
  startFakeAnthropicServer,
  type FakeAnthropicServer,
} from "../../src/test/fake-anthropic-server.ts";
import { startProxy, type StartedProxy } from "../support/proxy.ts";

const open: { stop?(): Promise<unknown>; close?(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await (thing.stop?.() ?? thing.close?.());
});

async function start(
  env: Record<string, string> = {},
): Promise<{ proxy: StartedProxy; api: FakeAnthropicServer; client: OpenAI }> {
  const api = await startFakeAnthropicServer();
  open.push(api);
  const proxy = await startProxy({ ANTHROPIC_API_KEY: "sk-fake", ANTHROPIC_BASE_URL: api.baseUrl, ...env });
  open.push(proxy);
  return { proxy, api, client: new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey, maxRetries: 0 }) };
}

/** Sockets that a process holds open (Linux). */
function openSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      // Closed since the folder was read.
      return "";
    }
  });
  return targets.filter((target) => target.startsWith("socket:")).length;
}

const messages = [{ role: "user" as const, content: "hi" }];

describe("the built server", () => {
  it("lets a running stream end after SIGTERM, refuses new calls, writes the row and exits with 0", async () => {
    const { proxy, api, client } = await start();
    const hold = Promise.withResolvers<void>();
    const frames = anthropicFrames(anthropicEvents());
    api.enqueue({ steps: [...frames.slice(0, 4), { until: hold.promise }, ...frames.slice(4)] });
    const stream = await client.chat.completions.create({ model: "sonnet", messages, stream: true });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    proxy.process.child.kill("SIGTERM");
    await proxy.process.waitFor(/shutting down/);
    await expect(fetch(`${proxy.url}/healthz`)).rejects.toThrow();
    hold.resolve();
    let text = "";
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      text += next.value.choices[0]?.delta.content ?? "";
    }
    expect(text).toBe("Hello there!");
    expect(await proxy.process.exited).toBe(0);

    const again = await startProxy({ CODEWISE_DATA_DIR: proxy.dataDirectory });
    open.push(again);
    const overview = (await (await again.asAdmin("/api/admin/overview")).json()) as { requests: { status: number }[] };
    expect(overview.requests[0]).toMatchObject({ status: 200, provider: "claude-api", streamed: true });
  });

  it("ends streams that outlast the grace with an error frame, and exits with 0", async () => {
    const { proxy, api, client } = await start({ SHUTDOWN_GRACE_MS: "200" });
    api.enqueue({ steps: anthropicFrames(anthropicEvents()).slice(0, 4), end: "hang" });
    const stream = await client.chat.completions.create({ model: "sonnet", messages, stream: true });
    const read = (async () => {
      for await (const chunk of stream) if (chunk.choices.length === 0) break;
    })();
    await api.request(0);
    proxy.process.child.kill("SIGTERM");
    await expect(read).rejects.toThrow(/shutting down/i);
    expect(await proxy.process.exited).toBe(0);
  });

  it("answers what is not HTTP with an error object and goes on", async () => {
    const { proxy } = await start();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1", () => socket.write("NOT HTTP\r\n\r\n"));
      let text = "";
      socket.on("data", (data) => (text += data.toString()));
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"invalid_request"/);
    expect((await fetch(`${proxy.url}/healthz`)).status).toBe(200);
  });

  it("answers requests that ask for an upgrade, also after a page was opened", async () => {
    const { proxy } = await start();
    expect((await fetch(`${proxy.url}/`, { headers: { accept: "text/html" } })).status).toBe(200);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAAP__" };
      get(`${proxy.url}/healthz`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });
    expect(status).toBe(200);
  });

  it("lets go of connections that it has ended, whatever the client does", async () => {
    const { proxy } = await start();
    const pid = proxy.process.child.pid ?? 0;
    const before = openSockets(pid);
    const socket = connect({ port: Number(new URL(proxy.url).port), host: "127.0.0.1", allowHalfOpen: true });
    socket.write("NOT HTTP\r\n\r\n");
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "end");
    // The client keeps its half open; the server must not.
    await expect.poll(() => openSockets(pid), { timeout: 5000 }).toBeLessThanOrEqual(before);
    socket.destroy();
  });

  it("shows keys and secrets in no line that it prints", async () => {
    const { proxy, client } = await start({ LOG_LEVEL: "trace", ANTHROPIC_API_KEY: "sk-ant-very-secret" });
    await client.chat.completions.create({
      model: "sonnet",
      messages: [{ role: "user", content: "a private prompt" }],
    });
    const output = proxy.process.output();
    for (const secret of [
      proxy.apiKey,
      "sk-ant-very-secret",
      "test-agent-secret",
      "test-admin-key",
      "a private prompt",
    ]) {
      expect(output).not.toContain(secret);
    }
  });

  it("refuses a wrong environment in one line per variable and exits with 2", async () => {
    await expect(startProxy({ PORT: "eighty" })).rejects.toThrow(/PORT/);
  });

  it("keeps its data directory to its owner", async () => {
    const { proxy } = await start();
    expect(existsSync(proxy.dataDirectory)).toBe(true);
    await expect(startProxy({ CODEWISE_DATA_DIR: proxy.dataDirectory })).rejects.toThrow(/in use/);
  });
});
