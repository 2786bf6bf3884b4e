import { setTimeout as sleep } from "node:timers/promises";
import type { RequestRecord } from "../../lib/usage/record.ts";
import type { ProxyHarness } from "../proxy-harness.ts";
import type { FaultRun } from "./fault-case.ts";
import type { Observed } from "./outcome.ts";
import { readAnswer } from "./read-answer.ts";
import { askOnTheWire } from "./wire-client.ts";

/** Asks the proxies for every fault, so many at a time, and keeps what comes of it, in the order of the runs. */
export async function runFaults(
  proxies: Readonly<Record<FaultRun["clocks"], ProxyHarness>>,
  runs: readonly FaultRun[],
  concurrency: number,
): Promise<readonly Observed[]> {
  const observed: Observed[] = [];
  const waiting = [...runs.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, run] = next;
      observed[index] = await observe(proxies[run.clocks], run).catch((cause: unknown) => {
        throw new Error(`${run.provider}, ${run.faultId}, ${run.mode}: no answer`, { cause });
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return observed;
}

async function observe(proxy: ProxyHarness, run: FaultRun): Promise<Observed> {
  const { model, prompt, choices } = run;
  const answer = await askOnTheWire({
    url: proxy.url,
    apiKey: proxy.apiKey,
    model,
    prompt,
    stream: run.mode === "streamed",
    ...(choices === undefined ? {} : { choices }),
  });
  const row = await findRow(proxy, String(answer.headers["x-request-id"]));
  return { run, answer, seen: readAnswer(answer), row };
}

/** The row of a request is written when the client already has the answer's last byte. */
async function findRow(proxy: ProxyHarness, requestId: string): Promise<RequestRecord | undefined> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const row = proxy.runtime.live.recent().find(({ id }) => id === requestId);
    if (row !== undefined) return row;
    await sleep(10);
  }
  return undefined;
}
