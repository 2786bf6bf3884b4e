/**
 * `npm run test:silence`: an upstream that really says nothing for six minutes, before and in an answer, behind the proxy
 * with its own 15 seconds of keep-alive, against clients with the clocks they come with. Takes six minutes and no CPU;
 * a number as argument is another silence, in seconds. Exits 1 where a client did not get its whole answer.
 */
import { installPythonSdk, PYTHON } from "../e2e/support/python-sdk.ts";
import { ANSWER } from "../src/test/faults/dialect.ts";
import { createPythonClient, NODE_CLIENTS } from "../src/test/faults/silence/clients.ts";
import { modelOf, SILENCES, startSilentUpstream } from "../src/test/faults/silence/silent-upstream.ts";
import { startProxyHarness } from "../src/test/proxy-harness.ts";

const silenceMs = Number(process.argv[2] ?? 360) * 1000;
const patience = String(silenceMs + 120_000);

const missing = installPythonSdk();
if (missing !== undefined) console.error(missing);
const clients = { ...NODE_CLIENTS, ...(missing === undefined && { "openai-python": createPythonClient(PYTHON) }) };

const upstream = await startSilentUpstream(silenceMs);
const proxy = await startProxyHarness({
  OPENAI_API_KEY: "sk-fake",
  OPENAI_BASE_URL: `${upstream.origin}/v1`,
  OPENAI_MODELS: "any",
  // Whoever has models that think for so long must allow it.
  FIRST_OUTPUT_TIMEOUT_MS: patience,
  IDLE_TIMEOUT_MS: patience,
});
console.log(
  `an upstream that is silent for ${silenceMs / 1000} s; ${SILENCES.length} silences, ${Object.keys(clients).length} clients`,
);

const runs = Object.entries(clients).flatMap(([name, client]) =>
  SILENCES.map(async (silence): Promise<boolean> => {
    const startedAt = performance.now();
    const asked = client({ baseUrl: `${proxy.url}/v1`, apiKey: proxy.apiKey, model: modelOf(silence) });
    const outcome = await asked.then(
      (text) => (text === ANSWER ? "the whole answer" : `another answer: ${text}`),
      (error: unknown) => `failed: ${String(error)}`,
    );
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${name.padEnd(14)} ${silence.padEnd(15)} ${seconds.padStart(6)} s  ${outcome}`);
    return outcome === "the whole answer";
  }),
);
const isWhole = await Promise.all(runs);
await proxy.close();
await upstream.close();
process.exitCode = isWhole.every(Boolean) && missing === undefined ? 0 : 1;
