import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { anthropicEvents, anthropicFrames } from "../test/fake-anthropic-server.ts";
import { startProxyHarness, type ProxyHarness } from "../test/proxy-harness.ts";

/** On the event loop the translation alone would take two to four times as long. */
const MAX_HOLD_UP_MS = 50;
const LONG_TEST = { retry: 3, timeout: 60_000 };
const PROMPT = "word ".repeat(4_000_000);

let received: Hash;
let upstream: Server;
let proxy: ProxyHarness;

/** Looks at the bytes as they come in: an upstream that parsed them would hold up the very loop that is watched. */
beforeAll(async () => {
  const answer = anthropicFrames(anthropicEvents({ pieces: ["Hello"] })).join("");
  upstream = createServer((request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "application/json" }).end('{"data":[]}');
      return;
    }
    received = createHash("sha256");
    request.on("data", (chunk: Buffer) => received.update(chunk));
    request.on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(answer));
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  proxy = await startProxyHarness({
    ANTHROPIC_API_KEY: "sk-ant-upstream",
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
  });
});
afterAll(async () => {
  await proxy.close();
  upstream.closeAllConnections();
  upstream.close();
});

async function ask(body: Buffer): Promise<{ status: number | undefined; text: string }> {
  const sent = httpRequest(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${proxy.apiKey}`, "content-type": "application/json" },
  });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  return { status: answer.statusCode, text };
}

const chatRequest = (messages: readonly unknown[]): Buffer =>
  Buffer.from(JSON.stringify({ model: "claude-api/claude-sonnet-5-5", stream: true, messages }));

async function holdUpMs(run: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await run();
  delay.disable();
  return delay.max / 1e6;
}

it("20 MB for a Claude model reach the API whole and do not hold the event loop", LONG_TEST, async () => {
  const expected = createHash("sha256").update(
    JSON.stringify({
      model: "claude-sonnet-5-5",
      max_tokens: 32_000,
      messages: [{ role: "user", content: [{ type: "text", text: PROMPT }] }],
      stream: true,
    }),
  );
  const body = chatRequest([{ role: "user", content: PROMPT }]);
  await ask(chatRequest([{ role: "user", content: "word ".repeat(200_000) }]));
  const longest = await holdUpMs(async () => {
    const { status, text } = await ask(body);
    expect(status).toBe(200);
    expect(text).toContain("Hello");
  });
  process.stdout.write(`20 MB for the Messages API: longest hold-up ${longest.toFixed(0)} ms\n`);
  expect(received.digest("hex")).toBe(expected.digest("hex"));
  expect(longest).toBeLessThan(MAX_HOLD_UP_MS);
});

it("20 MB that are not valid are refused like a short request, and hold nothing up either", LONG_TEST, async () => {
  const wrong = { role: "nobody", content: "hi" };
  const short = await ask(chatRequest([wrong]));
  const body = chatRequest([wrong, { role: "user", content: PROMPT }]);
  const longest = await holdUpMs(async () => {
    expect(await ask(body)).toEqual(short);
  });
  expect(short.status).toBe(400);
  expect(longest).toBeLessThan(MAX_HOLD_UP_MS);
});
