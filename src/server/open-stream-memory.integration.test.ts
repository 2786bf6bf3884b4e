import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { anthropicEvents, anthropicFrames } from "../test/fake-anthropic-server.ts";
import { startProxyHarness, type ProxyHarness } from "../test/proxy-harness.ts";

const STREAMS = 6;
const BODY_BYTES = 2_000_000;
const MEGABYTE = 1_000_000;
const CHUNK = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
const FIRST_CHUNK = JSON.stringify({
  ...CHUNK,
  choices: [{ index: 0, delta: { role: "assistant", content: "Hello" }, finish_reason: null }],
});

let upstream: Server;
let proxy: ProxyHarness;

/** Reads a request without keeping any of it, answers with the first output, and leaves the stream open. */
beforeAll(async () => {
  const frames = anthropicFrames(anthropicEvents({ pieces: ["Hello"] }));
  const claudeBeginning = frames.slice(0, frames.findIndex((frame) => frame.includes("Hello")) + 1).join("");
  upstream = createServer((request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "application/json" }).end('{"data":[]}');
      return;
    }
    let received = 0;
    request.on("data", (part: Buffer) => (received += part.length));
    request.on("end", () => {
      if (received < BODY_BYTES || received !== Number(request.headers["content-length"])) response.destroy();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(request.url === "/v1/messages" ? claudeBeginning : `data: ${FIRST_CHUNK}\n\n`);
    });
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  proxy = await startProxyHarness({
    OPENAI_API_KEY: "sk-upstream",
    OPENAI_BASE_URL: `${origin}/v1`,
    OPENAI_MODELS: "m",
    ANTHROPIC_API_KEY: "sk-ant-upstream",
    ANTHROPIC_BASE_URL: origin,
  });
});
afterAll(async () => {
  upstream.closeAllConnections();
  upstream.close();
  await proxy.close();
});

/** Resolves when the first output has come. */
async function open(body: Buffer): Promise<IncomingMessage> {
  const sent = httpRequest(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${proxy.apiKey}`, "content-type": "application/json" },
  });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  await once(answer, "data");
  return answer;
}

function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

it.each(["openai/m", "claude-api/claude-sonnet-5-5"])(
  "an open stream of %s keeps nothing of its large request once output has come",
  { timeout: 60_000 },
  async (model) => {
    // One buffer for all, so that the clients, which are in this process too, add nothing.
    const content = "word ".repeat(BODY_BYTES / 5);
    const body = Buffer.from(JSON.stringify({ model, stream: true, messages: [{ role: "user", content }] }));
    const first = await open(body);
    const before = heldBytes();
    const answers = await Promise.all(Array.from({ length: STREAMS }, () => open(body)));
    expect(heldBytes() - before).toBeLessThan(STREAMS * 0.25 * MEGABYTE + 2 * MEGABYTE);
    for (const answer of [first, ...answers]) answer.destroy();
  },
);
