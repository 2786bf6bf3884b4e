import { ANTHROPIC, OPENAI, ANSWER, PIECES } from "./dialect.ts";
import { withRetryRule, type Expectation, type Fault } from "./fault.ts";

export type Mode = "streamed" | "whole";

/** One fault in one mode at one provider: what to ask, and what must come of it. */
export interface FaultRun {
  readonly provider: string;
  readonly faultId: string;
  readonly mode: Mode;
  /** Which of the proxies is asked. */
  readonly clocks: "long" | "short";
  readonly model: string;
  readonly prompt: string;
  readonly choices?: number;
  readonly expect: Expectation;
  /** The whole text, and what of it comes before the fault. */
  readonly answer: string;
  readonly begun: string;
  /** `prompt + completion` of the row. */
  readonly tokens: { readonly told: string; readonly begun: string };
  readonly retryAfterSlackMs: number;
  /** Whether a row without tokens is as good as one with the expected ones. */
  readonly tokensMayLack?: boolean;
}

/** The runs of a fault of the upstream APIs, for every provider and mode that has it. */
export function apiRuns(fault: Fault): readonly FaultRun[] {
  return [OPENAI, ANTHROPIC].flatMap((dialect) =>
    (["streamed", "whole"] as const).flatMap((mode): FaultRun[] => {
      const found = fault[mode][dialect.provider];
      if (found === undefined) return [];
      return [
        {
          provider: dialect.provider,
          faultId: fault.id,
          mode,
          clocks: fault.clocks ?? "long",
          model: dialect.modelFor(fault.id),
          prompt: "Say hello",
          ...(fault.choices === undefined ? {} : { choices: fault.choices }),
          expect: withRetryRule(found.expect, dialect.tokens),
          answer: fault.answer ?? ANSWER,
          begun: PIECES[0],
          tokens: dialect.tokens,
          retryAfterSlackMs: fault.retryAfterSlackMs ?? 0,
        },
      ];
    }),
  );
}
