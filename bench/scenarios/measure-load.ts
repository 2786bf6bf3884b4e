import type { LoadResult, Plan, StreamsPlan, WholePlan } from "../load/plan.ts";
import { runLoad } from "../load/run-load.ts";
import type { Figures, Measurement } from "./types.ts";

type Given = "url" | "path" | "headers" | "model" | "seconds" | "watch";

/** What a scenario says of its load; the rest comes from the target. */
export type LoadShape = Omit<WholePlan, Given> | Omit<StreamsPlan, Given>;

/** Streams that are longer are cut at the end, and the last requests may then never get as far as the upstream. */
const LONGEST_DRAIN_MS = 5000;

/**
 * Runs a load against the target and compares what the client and the upstream counted.
 *
 * @throws Error at any error or wrong count
 */
export async function measureLoad(
  { target, seconds }: Pick<Measurement, "target" | "seconds">,
  shape: LoadShape,
): Promise<LoadResult> {
  const { url, path, headers, model, pid } = target;
  const plan: Plan = { ...shape, url, path, headers: { ...headers }, model, seconds, watch: [pid] };
  const before = await target.counts();
  const result = await runLoad(plan);
  const after = await target.counts();
  if (result.errors > 0) throw new Error(`${result.errors} errors, the first: ${result.firstError}`);
  const isCut = plan.kind === "streams" && plan.chunks * plan.gapMs > LONGEST_DRAIN_MS;
  const counted = plan.kind === "whole" ? after.whole - before.whole : after.streams - before.streams;
  if (!isCut && counted !== result.requests) {
    throw new Error(`${result.requests} requests sent, ${counted} reached the upstream`);
  }
  return result;
}

/** CPU of the target in microseconds for each of `count`, and of the load process in cores. */
export function cpuFigures(result: LoadResult, count: number): Figures {
  const [cpu] = result.cpu;
  if (cpu === undefined || count === 0) throw new Error("nothing was measured");
  return { cpu: cpu.tree / count, mainCpu: cpu.mainThread / count, client: result.ownCpu / 1e6 / result.seconds };
}
