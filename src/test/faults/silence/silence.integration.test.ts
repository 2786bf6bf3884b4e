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

// Installed by `npm run test:silence` and by the suite of the built proxy.
const python = existsSync(PYTHON) ? { "openai-python": createPythonClient(PYTHON) } : {};
const clients = Object.entries({ ...NODE_CLIENTS, ...python });
const cases = clients.flatMap(([name, client]) => SILENCES.map((silence) => ({ name, silence, client })));

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

describe.concurrent("an upstream that is silent for longer than a client bears", () => {
  it.each(cases)("is borne by $name behind the proxy: $silence", async ({ client, silence }) => {
    const asked = {
      baseUrl: `${proxy.url}/v1`,
      apiKey: proxy.apiKey,
      model: modelOf(silence),
      patienceMs: PATIENCE_MS,
    };
    expect(await client(asked)).toBe(ANSWER);
  });

  it.each(cases)("is given up by $name without the proxy: $silence", async ({ client, silence }) => {
    const asked = {
      baseUrl: `${upstream.origin}/v1`,
      apiKey: "sk-fake",
      model: modelOf(silence),
      patienceMs: PATIENCE_MS,
    };
    await expect(client(asked)).rejects.toThrow();
  });
});
