/** One scenario with real processes, from its seed. */
import type { ProxyHarness } from "../proxy-harness.ts";
import type { RunReport } from "./network-run.ts";
import { SCENARIOS } from "./process-scenarios.ts";
import { ProcessStage } from "./process-stage.ts";
import type { RowBook } from "./row-book.ts";
import { processIndex } from "./settings.ts";
import { Trace } from "./trace.ts";

export interface ProcessContext {
  readonly proxy: ProxyHarness;
  readonly rows: RowBook;
  readonly onFault: (scenario: string) => void;
}

/** Plays the scenario of a seed to its end and says what was wrong. */
export async function playProcessRun(seed: number, { proxy, rows, onFault }: ProcessContext): Promise<RunReport> {
  const scenario = SCENARIOS[processIndex(seed) % SCENARIOS.length];
  if (scenario === undefined) throw new Error(`no scenario for seed ${seed}`);
  const trace = new Trace();
  trace.add("scenario", scenario.name);
  const stage = new ProcessStage({ seed, proxy, rows, trace });
  try {
    await scenario.play(stage);
    onFault(scenario.name);
    await stage.end();
  } catch (error) {
    stage.problems.push(`the scenario threw: ${String(error)}`);
  } finally {
    await stage.clean();
  }
  const { views, problems } = stage;
  return { views, problems, repeats: 0, report: trace.report(seed, problems) };
}
