import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startFakeOpenAIServer, type FakeOpenAIServer } from "../test/fake-openai-server.ts";
import { startProxyHarness, type ProxyHarness } from "../test/proxy-harness.ts";
import { RawClient } from "../test/raw-client.ts";

let upstream: FakeOpenAIServer;
let proxy: ProxyHarness;
let client: RawClient | undefined;

beforeAll(async () => {
  upstream = await startFakeOpenAIServer();
  proxy = await startProxyHarness(
    { OPENAI_API_KEY: "sk-upstream", OPENAI_BASE_URL: upstream.baseUrl },
    { listener: { headersTimeoutMs: 500, requestTimeoutMs: 1000 } },
  );
});
afterEach(() => client?.destroy());
afterAll(async () => {
  // Nobody waits for a body that will never come.
  await vi.waitFor(() => expect(proxy.runtime.activeCalls()).toBe(0));
  await proxy.close();
  await upstream.close();
});

const JSON_BODY = JSON.stringify({ model: "gpt-test", messages: [{ role: "user", content: "hi" }] });
const LENGTH = `Content-Length: ${JSON_BODY.length}`;
const CHUNKED = "Transfer-Encoding: chunked";
const HEX = JSON_BODY.length.toString(16);
const CHUNKS = `${HEX}\r\n${JSON_BODY}\r\n0\r\n\r\n`;

/** A POST with a key; `lines` may begin with a request line and replace Host. */
function post(lines: readonly string[], body = JSON_BODY, line = "POST /v1/chat/completions HTTP/1.1"): string {
  const host = lines.some((text) => /^host/i.test(text)) ? [] : ["Host: 127.0.0.1"];
  return [line, ...host, `Authorization: Bearer ${proxy.apiKey}`, ...lines, "", body].join("\r\n");
}

function get(target: string, lines: readonly string[] = [], method = "GET"): string {
  return post(lines, "", `${method} ${target} HTTP/1.1`);
}

/** A second request that must never be served: what a smuggler hides in a body. */
const smuggled = (): string => get("/v1/models");

/** What one packet is answered with, once the connection has closed or the answer is whole. */
async function exchange(bytes: string): Promise<string> {
  client = await RawClient.open(proxy.url);
  client.send(Buffer.from(bytes, "latin1"));
  return await Promise.race([client.closed(), client.until(/\r\n\r\n\{.*\}$/s)]);
}

/** Everything that is refused: with an error object, a request id, and nothing of the machine. */
function expectRefusal(answer: string, status: number, count = 1): void {
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]))).toEqual(Array(count).fill(status));
  expect(answer).toMatch(/\r\nx-request-id: req_[0-9a-f]{32}\r\n/i);
  const { error } = JSON.parse(answer.slice(answer.lastIndexOf("\r\n\r\n") + 4));
  expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
  expect(answer).not.toMatch(/node:|\.ts\b|at \w+ \(|\/work|\/home|HPE_|sk-upstream/);
  expect(answer).not.toContain(proxy.apiKey);
}

function expectAnswer(answer: string, status: number): void {
  if (status !== 200) return expectRefusal(answer, status);
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*"object":"list"/);
}

describe("requests that two servers could read differently", () => {
  const cases: readonly (readonly [string, number, () => string])[] = [
    ["a length and chunks", 400, () => post(["Content-Length: 5", CHUNKED], `0\r\n\r\n${smuggled()}`)],
    ["chunks and a length", 400, () => post([CHUNKED, "Content-Length: 5"], `${CHUNKS}${smuggled()}`)],
    ["two lengths that differ", 400, () => post([LENGTH, "Content-Length: 3"])],
    ["two lengths that agree", 400, () => post([LENGTH, LENGTH])],
    ["a list of lengths", 400, () => post([`${LENGTH}, ${JSON_BODY.length}`])],
    ["a length with a sign", 400, () => post([`Content-Length: +${JSON_BODY.length}`])],
    ["a negative length", 400, () => post(["Content-Length: -1"])],
    ["a hexadecimal length", 400, () => post(["Content-Length: 0x10"])],
    ["an empty length", 400, () => post(["Content-Length: "])],
    ["a length beyond 64 bits", 400, () => post(["Content-Length: 99999999999999999999"])],
    ["a space before a colon", 400, () => post([`Content-Length : ${JSON_BODY.length}`])],
    ["an unknown coding", 501, () => post(["Transfer-Encoding: xchunked"], CHUNKS)],
    ["the identity coding", 501, () => post(["Transfer-Encoding: identity"], CHUNKS)],
    ["two codings", 501, () => post(["Transfer-Encoding: gzip, chunked"], CHUNKS)],
    ["chunks that are not last", 400, () => post(["Transfer-Encoding: chunked, gzip"], CHUNKS)],
    ["chunks twice", 400, () => post(["Transfer-Encoding: chunked, chunked"], CHUNKS)],
    ["two coding headers", 400, () => post([CHUNKED, "Transfer-Encoding: identity"], CHUNKS)],
    ["a vertical tab before chunked", 400, () => post(["Transfer-Encoding: \x0bchunked"], CHUNKS)],
    ["a coding header with a space", 400, () => post(["Transfer-Encoding : chunked"], CHUNKS)],
    ["bare line feeds", 400, () => post([LENGTH]).replaceAll("\r\n", "\n")],
    ["one bare line feed", 400, () => post(["X-A: b", LENGTH]).replace("b\r\n", "b\n")],
    ["a bare carriage return", 400, () => post(["X-A: b\rX-B: c", LENGTH])],
    ["a folded header", 400, () => post(["X-A: b", " c", LENGTH])],
    ["a folded coding", 400, () => post(["Transfer-Encoding:", " chunked"], CHUNKS)],
    ["no host", 400, () => post([LENGTH]).replace("Host: 127.0.0.1\r\n", "")],
    ["two hosts", 400, () => post(["Host: a", "Host: b", LENGTH])],
    ["a host that is none", 400, () => post(["Host: a b/<>", LENGTH])],
    ["two keys", 401, () => post([`Authorization: Bearer ${proxy.apiKey}`, LENGTH])],
    ["a NUL in the path", 400, () => get("/v1/mod\0els")],
    ["a NUL in a header", 400, () => get("/v1/models", ["X-A: b\0c"])],
    ["bytes that are not ASCII in the path", 400, () => get("/v1/models/\xff\xfe")],
    ["a chunk size ended by a bare line feed", 400, () => post([CHUNKED], CHUNKS.replace("\r\n", "\n"))],
    ["a chunk size beyond 64 bits", 400, () => post([CHUNKED], `fffffffffffffffff\r\n${JSON_BODY}`)],
    ["a negative chunk size", 400, () => post([CHUNKED], `-1\r\n${JSON_BODY}`)],
    ["a chunk size with 0x", 400, () => post([CHUNKED], `0x${CHUNKS}`)],
    ["a chunk size with a space", 400, () => post([CHUNKED], `${HEX} \r\n${JSON_BODY}\r\n0\r\n\r\n`)],
    ["a chunk longer than it says", 400, () => post([CHUNKED], `2\r\n${JSON_BODY}\r\n0\r\n\r\n`)],
    [
      "a length in the trailers",
      400,
      () => post([CHUNKED], `${HEX}\r\n${JSON_BODY}\r\n0\r\nContent-Length: 5\r\n\r\n`),
    ],
    ["chunk extensions without end", 413, () => post([CHUNKED], `${HEX};a=${"b".repeat(20_000)}\r\n${JSON_BODY}`)],
  ];

  it.each(cases)("%s: %i, and the connection ends", async (_name, status, bytes) => {
    const before = upstream.requests.length;
    const answer = await exchange(bytes());
    expectRefusal(answer, status);
    await client?.closed();
    expect(upstream.requests.length).toBe(before);
  });

  it("a body that a GET brings is thrown away, and what follows it is a request of its own", async () => {
    client = await RawClient.open(proxy.url);
    client.send(get("/v1/models", [`Content-Length: ${smuggled().length}`]) + smuggled());
    await client.until(/"list"/);
    client.send(get("/healthz"));
    await client.until(/"ok"/);
    expect(client.statuses).toEqual([200, 200]);
  });

  it("a body longer than its length is answered as what it is, and then refused", async () => {
    const answer = await exchange(post([LENGTH], `${JSON_BODY}garbage\r\n\r\n`));
    expect(answer === "" || /^HTTP\/1\.1 (200|400)/.test(answer)).toBe(true);
    await client?.closed();
  });
});

describe("odd but plain requests", () => {
  const cases: readonly (readonly [string, number, () => string])[] = [
    ["the absolute form", 200, () => get("http://elsewhere.example/v1/models")],
    ["an absolute form of an unknown path", 404, () => get("http://elsewhere.example/secret")],
    ["OPTIONS *", 404, () => get("*", [], "OPTIONS")],
    ["TRACE", 405, () => get("/v1/models", ["X-Secret: echo"], "TRACE")],
    ["CONNECT", 405, () => `${get("elsewhere.example:443", [], "CONNECT")}${smuggled()}`],
    ["an unknown method", 400, () => get("/v1/models", [], "FOO")],
    ["an Upgrade to a web socket", 200, () => get("/v1/models", ["Connection: Upgrade", "Upgrade: websocket"])],
    ["an Upgrade to h2c", 200, () => get("/v1/models", ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"])],
    ["HTTP/2.0 in the request line", 505, () => get("/v1/models").replace("HTTP/1.1", "HTTP/2.0")],
    ["HTTP/9.9", 400, () => get("/v1/models").replace("HTTP/1.1", "HTTP/9.9")],
    ["the preface of HTTP/2", 400, () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a TLS hello", 400, () => `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"\0".repeat(100)}`],
    ["an unknown expectation", 417, () => post(["Expect: 200-ok", LENGTH])],
    ["dots in the path", 404, () => get("/v1/../api/admin/keys")],
    ["encoded dots in the path", 404, () => get("/v1/%2e%2e/api/admin/keys")],
    ["broken percent signs", 404, () => get("/v1/models/%zz%ff")],
    ["an encoded NUL", 404, () => get("/v1/models/%00")],
    ["a property of objects as a model", 404, () => get("/v1/models/__proto__")],
    ["a URL of 12 KiB", 404, () => get(`/v1/models/${"a".repeat(12_000)}`)],
    ["a URL of 100 KiB", 431, () => get(`/v1/models/${"a".repeat(100_000)}`)],
    ["a header of 100 KiB", 431, () => get("/v1/models", [`X-A: ${"a".repeat(100_000)}`])],
    ["three thousand headers", 431, () => get("/v1/models", Array(3000).fill("a: b"))],
    ["a compressed body", 415, () => post(["Content-Encoding: gzip", LENGTH])],
    ["a declared length over the cap", 413, () => post(["Content-Length: 999999999"], "{}")],
    ["no body", 400, () => post(["Content-Length: 0"], "")],
  ];

  it.each(cases)("%s: %i", async (_name, status, bytes) => {
    const answer = await exchange(bytes());
    expectAnswer(answer, status);
    expect(answer).not.toContain("X-Secret");
  });

  it("Expect: 100-continue is answered by 100 and then by the answer", async () => {
    client = await RawClient.open(proxy.url);
    client.send(post([LENGTH, "Expect: 100-continue"], ""));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    client.send(JSON_BODY);
    await client.until(/"chat.completion"/);
    expect(client.statuses).toEqual([100, 200]);
  });

  it("a chunked body over the cap is 413 as soon as it is over it", async () => {
    client = await RawClient.open(proxy.url);
    client.send(post([CHUNKED], "7fffffffffffffff\r\n"));
    const piece = Buffer.alloc(1024 * 1024, 0x20);
    for (let sent = 0; sent < 33 && client.statuses.length === 0; sent += 1) {
      client.send(piece);
      await sleep(1);
    }
    await client.until(/request_too_large/);
    expect(client.statuses).toEqual([413]);
  });
});

describe("pipelined requests", () => {
  it("in one packet are answered in their order", async () => {
    client = await RawClient.open(proxy.url);
    const paths = Array.from({ length: 40 }, (_, index) => `/v1/models/nobody-${index}`);
    client.send(paths.map((path, index) => (index === 0 ? get("/v1/models/gpt-test") : get(path))).join(""));
    await client.until(/nobody-39/);
    const order = [...client.received.matchAll(/The model `nobody-(\d+)`/g)].map((match) => Number(match[1]));
    expect(order).toEqual(Array.from({ length: 39 }, (_, index) => index + 1));
  });

  it("beyond fifty that wait are refused, whatever a packet holds, and the connection ends", async () => {
    client = await RawClient.open(proxy.url);
    const before = upstream.requests.length;
    client.send(post([LENGTH]).repeat(500));
    await client.closed();
    const served = client.statuses.filter((status) => status === 200).length;
    expect(client.statuses.every((status) => status === 200 || status === 429)).toBe(true);
    expect(served).toBeLessThanOrEqual(51);
    expect(upstream.requests.length - before).toBeLessThanOrEqual(51);
  });

  it("end with their connection, those too that wait for an answer before theirs", async () => {
    client = await RawClient.open(proxy.url);
    const first = upstream.requests.length;
    upstream.enqueue({ fail: "hang" }, { fail: "hang" }, { fail: "hang" });
    client.send(post([LENGTH]).repeat(3));
    const requests = await Promise.all([0, 1, 2].map((index) => upstream.request(first + index)));
    client.destroy();
    expect(await Promise.all(requests.map(({ closed }) => closed))).toEqual(["cut", "cut", "cut"]);
  });

  it("never get a broken one's refusal into an answer that has begun", async () => {
    client = await RawClient.open(proxy.url);
    upstream.enqueue({ steps: ['data: {"id":"a","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'], end: "hang" });
    const body = JSON.stringify({ ...JSON.parse(JSON_BODY), stream: true });
    client.send(post([`Content-Length: ${body.length}`], body));
    await client.until(/"content":"x"/);
    client.send("garbage\r\n\r\n");
    expect(await client.closed()).not.toContain("not valid HTTP");
  });
});

describe("clients that take their time", () => {
  it("two thousand that never finish their headers leave others alone, and are answered 408 and closed", async () => {
    const slow: RawClient[] = [];
    // Few at a time: what the listening socket's queue does not hold, the server never gets to know.
    while (slow.length < 2000) {
      const some = await Promise.all(Array.from({ length: 250 }, () => RawClient.open(proxy.url)));
      for (const each of some.slice(125)) each.send("GET /v1/models HTTP/1.1\r\nHost: x\r\nX-A: ");
      slow.push(...some);
    }
    const startedAt = performance.now();
    const answer = await fetch(`${proxy.url}/v1/models`, { headers: { authorization: `Bearer ${proxy.apiKey}` } });
    expect(answer.status).toBe(200);
    await answer.text();
    expect(performance.now() - startedAt).toBeLessThan(1000);
    await Promise.all(slow.map((each) => each.closed()));
    expect(new Set(slow.map((each) => each.statuses.join()))).toEqual(new Set(["408"]));
  });

  it("a body that does not come is 408", async () => {
    client = await RawClient.open(proxy.url);
    client.send(post([LENGTH], JSON_BODY.slice(0, 10)));
    expectRefusal(await client.closed(), 408);
    expect(client.statuses).toEqual([408]);
  });

  it("a body byte by byte has no longer", async () => {
    client = await RawClient.open(proxy.url);
    client.send(post([CHUNKED], ""));
    const drip = setInterval(() => client?.send("1\r\n \r\n"), 50);
    expectRefusal(await client.closed(), 408);
    expect(client.statuses).toEqual([408]);
    clearInterval(drip);
  });
});
