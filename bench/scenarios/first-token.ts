import { measureInTurn } from "../measure/in-turn.ts";
import { median, summarize } from "../measure/percentile.ts";
import type { Target } from "../targets/types.ts";
import type { Scenario } from "./types.ts";

/** To each target. */
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
  title: "Time to first token with a stand-in CLI, one request at a time: by the proxy itself and by an agent in turn",
  targets: ["claude-local", "claude-agent"],
  kinds: [],
  columns: [
    { key: "ttft50", label: "TTFT p50 ms", digits: 1 },
    { key: "ttft90", label: "TTFT p90 ms", digits: 1 },
    { key: "added50", label: "added in a pair, p50 ms", digits: 1 },
  ],
  measureTogether: async (targets) => {
    const times = await measureInTurn(targets, SKIPPED + REQUESTS, firstTokenMs);
    const counted = times.map((each) => each.slice(SKIPPED));
    const own = counted[targets.findIndex(({ name }) => name === "claude-local")];
    return counted.map((each) => {
      const { p50, p90 } = summarize(each);
      return {
        ttft50: p50,
        ttft90: p90,
        added50: median(each.map((value, index) => value - (own?.[index] ?? Number.NaN))),
      };
    });
  },
};
