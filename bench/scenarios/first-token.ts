import { summarize } from "../measure/percentile.ts";
import type { Target } from "../targets/types.ts";
import type { Scenario } from "./types.ts";

const REQUESTS = 25;
/** The first runs find nothing in the file cache. */
const SKIPPED = 3;
const TIMEOUT_MS = 30_000;

/** Milliseconds from the request to the first text, one request at a time. */
async function firstTokenMs({ url, path, headers, model }: Target): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(url + path, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "Say hello to the brown fox" }] }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  let text = "";
  let firstAt: number | undefined;
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (firstAt === undefined && /"content":"[^"]/.test(text)) firstAt = performance.now();
  }
  if (firstAt === undefined || !text.includes("data: [DONE]"))
    throw new Error(`no whole answer: ${text.slice(0, 500)}`);
  return firstAt - startedAt;
}

export const firstTokenScenario: Scenario = {
  name: "first",
  title: "Time to first token with a stand-in CLI, one request at a time: run by the proxy itself, and by an agent",
  targets: ["claude-local", "claude-agent"],
  kinds: [],
  rounds: 2,
  columns: [
    { key: "ttft50", label: "TTFT p50 ms", digits: 1 },
    { key: "ttft90", label: "TTFT p90 ms", digits: 1 },
  ],
  measure: async ({ target }) => {
    const times: number[] = [];
    for (let count = 0; count < SKIPPED + REQUESTS; count += 1) times.push(await firstTokenMs(target));
    const { p50, p90 } = summarize(times.slice(SKIPPED));
    return { ttft50: p50, ttft90: p90 };
  },
};
