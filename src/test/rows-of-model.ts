import { setTimeout as sleep } from "node:timers/promises";
import type { RequestRecord } from "../lib/usage/record.ts";
import type { ProxyHarness } from "./proxy-harness.ts";

/** The last hundred rows that asked for a model, newest first, as soon as there are so many of them. */
export async function rowsOfModel(
  { runtime }: Pick<ProxyHarness, "runtime">,
  model: string,
  count = 1,
): Promise<readonly RequestRecord[]> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const rows = runtime.live.recent().filter((row) => row.requestedModel === model);
    if (rows.length >= count) return rows;
    if (performance.now() > deadline) throw new Error(`${rows.length} of ${count} rows for ${model} were written`);
    await sleep(10);
  }
}
