import type { ProcessStage } from "./process-stage.ts";

/** What happens to real processes in one run. */
export interface Scenario {
  readonly name: string;
  play(stage: ProcessStage): Promise<void>;
}
