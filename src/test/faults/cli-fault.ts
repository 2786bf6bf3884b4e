import type { StandInConfig } from "../claude-stand-in/config.ts";
import { generateDeltas } from "../claude-stand-in/generate-answer.ts";
import { withRetryRule, type Expectation } from "./fault.ts";
import type { FaultRun } from "./fault-case.ts";

const DELTAS = generateDeltas(7, 80);
/** What the stand-in says unless a fault has words of its own. */
export const CLI_ANSWER: StandInConfig["answer"] = { type: "generate", seed: 7, characters: 80 };
export const CLI_DELTAS = DELTAS.length;

/** A fault of the `claude` CLI, on the proxy's machine or on an agent's. */
export interface CliFault {
  readonly id: string;
  readonly title: string;
  readonly clocks?: "short";
  readonly note?: string;
  /** On an agent's machine the failure is told by the agent or by the proxy, whoever is first. */
  readonly agentRaces?: boolean;
  /** What the stand-in CLI is told beside its usual answer; made when the run begins, since it may hold the time. */
  readonly settings: (files: CliFiles) => Partial<StandInConfig>;
  /** The text before the fault, where it is not of the usual answer. */
  readonly begun?: string;
  /** The row's, where they are not the usual answer's. */
  readonly tokens?: FaultRun["tokens"];
  readonly streamed: Expectation;
  readonly whole: Expectation;
}

/** Files that the stand-in replays. */
export interface CliFiles {
  /** A recording of the real CLI, by its name. */
  recording(name: string): string;
  /** A changed copy of a recording. */
  changed(name: string, change: (text: string) => string): string;
  /** A file with these bytes. */
  written(name: string, text: string): string;
}

/** The runs of a CLI's fault, on both providers. */
export function cliRuns(fault: CliFault, files: CliFiles): readonly FaultRun[] {
  return ["claude-cli", "claude-cli-remote"].flatMap((provider) =>
    (["streamed", "whole"] as const).map((mode): FaultRun => {
      const prompt = JSON.stringify({ standIn: fault.settings(files) });
      const input = Math.ceil(prompt.length / 4);
      const tokens = fault.tokens ?? { told: `${input} + ${DELTAS.length}`, begun: `${input} + 1` };
      return {
        provider,
        faultId: fault.id,
        mode,
        clocks: fault.clocks ?? "long",
        model: `${provider}/sonnet`,
        prompt,
        expect: withRetryRule(fault[mode], tokens),
        answer: DELTAS.join(""),
        begun: fault.begun ?? DELTAS[0] ?? "",
        tokens,
        retryAfterSlackMs: 0,
        tokensMayLack: fault.agentRaces === true && provider === "claude-cli-remote",
      };
    }),
  );
}
