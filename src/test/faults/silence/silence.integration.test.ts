import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PYTHON } from "../../../../e2e/support/python-sdk.ts";
import { startProxyHarness, type ProxyHarness } from "../../proxy-harness.ts";
import { ANSWER } from "../dialect.ts";
import { LONG_CLOCKS } from "../proxy-settings.ts";
import type { WireServer } from "../wire-server.ts";
import { createPythonClient, NODE_CLIENTS } from "./clients.ts";
import { modelOf, SILENCES, startSilentUpstream } from "./silent-upstream.ts";

/** The proportions of six minutes of silence, clients that give up after five, and comments each 15 s, in seconds. */
const SILENCE_MS = 4500;
const PATIENCE_MS = 2000;
const KEEP_ALIVE_MS = 200;

// Installed by `npm run test:silence` and by the suite of the built proxy. It takes seconds to load: one silence will do.
const python = existsSync(PYTHON) ? [{ name: "openai-python", client: createPythonClient(PYTHON) }] : [];
const cases = [
  ...Object.entries(NODE_CLIENTS).flatMap(([name, client]) => SILENCES.map((silence) => ({ name, silence, client }))),
  ...python.map((one) => ({ ...one, silence: "in-mid-answer" as const })),
];

let upstream: WireServer;
let proxy: ProxyHarness;

beforeAll(async () => {
  upstream = await startSilentUpstream(SILENCE_MS);
  const env = { OPENAI_API_KEY: "sk-fake", OPENAI_BASE_URL: `${upstream.origin}/v1`, OPENAI_MODELS: "any" };
  proxy = await startProxyHarness({ ...env, ...LONG_CLOCKS }, { keepAliveMs: KEEP_ALIVE_MS });
}, 120_000);

afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

/** What each client gets from a server, all at the same time: the text of the answer, or `gave up`. */
async function askAll(origin: string, apiKey: string): Promise<Record<string, string>> {
  const answers = cases.map(async ({ name, silence, client }) => {
    const asked = { baseUrl: `${origin}/v1`, apiKey, model: modelOf(silence), patienceMs: PATIENCE_MS };
    return [`${name}, ${silence}`, await client(asked).catch(() => "gave up")] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

const all = (outcome: string) => Object.fromEntries(cases.map(({ name, silence }) => [`${name}, ${silence}`, outcome]));

describe("an upstream that is silent for longer than its clients bear", () => {
  it("is borne by all of them behind the proxy", async () => {
    expect(await askAll(proxy.url, proxy.apiKey)).toEqual(all(ANSWER));
  }, 60_000);

  it("is given up by all of them without the proxy", async () => {
    expect(await askAll(upstream.origin, "sk-fake")).toEqual(all("gave up"));
  }, 60_000);
});
