import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAICompletion, startFakeOpenAIServer, type FakeOpenAIServer } from "../test/fake-openai-server.ts";
import { startProxyHarness, type ProxyHarness } from "../test/proxy-harness.ts";

const MIB = 1024 * 1024;

let upstream: FakeOpenAIServer;
let proxy: ProxyHarness;

beforeAll(async () => {
  upstream = await startFakeOpenAIServer();
  proxy = await startProxyHarness({
    OPENAI_API_KEY: "sk-upstream",
    OPENAI_BASE_URL: upstream.baseUrl,
    BODY_MEMORY_BYTES: String(32 * MIB),
    MAX_BODY_BYTES: String(8 * MIB),
  });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

async function ask(
  body: string | Buffer,
): Promise<{ status: number; code: string | undefined; text: string; retryAfter: string | null }> {
  const answer = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${proxy.apiKey}`, "content-type": "application/json" },
    body: body as BodyInit,
  });
  const text = await answer.text();
  return {
    status: answer.status,
    code: JSON.parse(text).error?.code,
    text,
    retryAfter: answer.headers.get("retry-after"),
  };
}

/** A valid request with further fields, as JSON text. */
const request = (fields: string): string =>
  `{"model":"gpt-test","messages":[{"role":"user","content":"hi"}]${fields === "" ? "" : `,${fields}`}}`;

describe("JSON that is meant to hurt", () => {
  const cases: readonly (readonly [string, number, string | undefined, () => string | Buffer])[] = [
    ["a million brackets", 400, "invalid_json", () => "[".repeat(1_000_000)],
    ["a million levels of objects", 400, "invalid_json", () => '{"a":'.repeat(1_000_000)],
    [
      "deep nesting in an unknown field",
      400,
      "invalid_json",
      () => request(`"x":${"[".repeat(100_000)}${"]".repeat(100_000)}`),
    ],
    ["a string that never ends", 400, "invalid_json", () => `{"model":"${'\\"'.repeat(500_000)}`],
    [
      "bytes that are no UTF-8",
      400,
      "invalid_json",
      () => Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    ],
    ["NUL bytes", 400, "invalid_json", () => "\0".repeat(100_000)],
    ["a byte order mark", 400, "invalid_json", () => `\ufeff${request("")}`],
    ["a number", 400, "invalid_type", () => "1"],
    ["null", 400, "invalid_type", () => "null"],
    ["NaN", 400, "invalid_json", () => "NaN"],
    [
      "messages that are a million nulls",
      400,
      "invalid_value",
      () => `{"model":"gpt-test","messages":[${"null,".repeat(999_999)}null]}`,
    ],
    ["a number of a million digits", 200, undefined, () => request(`"x":${"9".repeat(1_000_000)}`)],
    ["an exponent beyond all numbers", 200, undefined, () => request('"x":1e999999')],
    [
      "ninety thousand keys",
      200,
      undefined,
      () => request(Array.from({ length: 90_000 }, (_, key) => `"k${key}":0`).join()),
    ],
    [
      "a million keys",
      400,
      "invalid_json",
      () => `{${Array.from({ length: 600_000 }, (_, key) => `"k${key}":0`).join()}}`,
    ],
    [
      "__proto__",
      200,
      undefined,
      () => request('"__proto__":{"stream":true,"polluted":1},"constructor":{"prototype":{"polluted":1}}'),
    ],
  ];

  it.each(cases)("%s: %i", async (_name, status, code, body) => {
    const startedAt = performance.now();
    const answer = await ask(body());
    expect({ status: answer.status, code: answer.code }).toEqual({ status, code });
    expect(answer.text.length).toBeLessThan(2000);
    expect(answer.text).not.toMatch(/node:|\.ts\b|at \w+ \(|sk-upstream/);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each(['"model"', String.raw`"m\u006fdel"`])(
    "a model that stands there twice, as %s, is refused: the proxy and the upstream could take a different one",
    async (key) => {
      const before = upstream.requests.length;
      const twice = `{"model":"nobody-has-this","messages":[{"role":"user","content":"hi"}],${key}:"gpt-test"}`;
      expect(await ask(twice)).toMatchObject({ status: 400, code: "invalid_json" });
      expect(upstream.requests.length).toBe(before);
      const once = request('"metadata":{"model":"other","more":"\\u00e9"}');
      expect((await ask(once)).status).toBe(200);
    },
  );
});

describe("many large bodies at once", () => {
  it("are held up to a bound, refused with 503 and Retry-After beyond it, and leave small ones alone", async () => {
    const large = request(`"x":"${"y".repeat(6 * MIB)}"`);
    let release: (value: unknown) => void = () => undefined;
    const until = new Promise((resolve) => {
      release = resolve;
    });
    // Whoever is served holds its body until the upstream has answered.
    upstream.enqueue(
      ...Array.from({ length: 12 }, () => ({
        steps: [{ until }, JSON.stringify(openAICompletion())],
        headers: { "content-type": "application/json" },
      })),
    );
    const first = upstream.requests.length;
    const asked = Array.from({ length: 12 }, () => ask(large));
    await upstream.request(first + 3);
    const refused = await Promise.race(asked);
    expect(refused).toMatchObject({ status: 503, code: "too_many_bodies", retryAfter: "1" });
    const models = await fetch(`${proxy.url}/v1/models`, { headers: { authorization: `Bearer ${proxy.apiKey}` } });
    expect(models.status).toBe(200);
    release(undefined);
    const answers = await Promise.all(asked);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(4);
    // What was held is given back.
    expect((await ask(large)).status).toBe(200);
  });
});
