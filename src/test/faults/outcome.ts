import type { RequestRecord } from "../../lib/usage/record.ts";
import type { Expectation } from "./fault.ts";
import type { FaultRun } from "./fault-case.ts";
import type { SeenAnswer } from "./read-answer.ts";
import type { WireAnswer } from "./wire-client.ts";

/** All that is known of one run. */
export interface Observed {
  readonly run: FaultRun;
  readonly answer: WireAnswer;
  readonly seen: SeenAnswer;
  readonly row: RequestRecord | undefined;
}

type Seen<Case> = Case extends Expectation ? Omit<Case, "tokens"> & { readonly tokens: string } : never;

/** What happened, in the terms of an expectation, with the row it goes with; what has no such terms is told in words. */
export interface Outcome {
  readonly client: Seen<Expectation> | { readonly gets: "something else"; readonly what: string };
  readonly row: {
    readonly status: number | undefined;
    readonly code: string | null | undefined;
    readonly tokens: string;
  };
}

/** Puts what was observed into the terms of the catalogue, so that the two can be compared and shown. */
export function describeOutcome(observed: Observed): Outcome {
  const { run, row } = observed;
  const told = row?.promptTokens == null ? "unknown" : `${row.promptTokens} + ${row.completionTokens ?? "unknown"}`;
  const mayLack = run.tokensMayLack === true && run.expect.tokens !== "unknown";
  const expected = run.expect.tokens === "unknown" ? "unknown" : run.tokens[run.expect.tokens];
  const tokens = mayLack && told === "unknown" ? expected : told;
  return {
    client: describeClient(observed, readTokens(run, tokens)),
    row: { status: row?.status, code: row?.errorCode, tokens: mayLack ? `${tokens} or no` : tokens },
  };
}

function describeClient({ run, answer, seen, row }: Observed, tokens: string): Outcome["client"] {
  const text = describeText(run, seen.text);
  const { error } = seen;
  const isEnded = seen.finishReason !== undefined && seen.done === (run.mode === "streamed");
  if (answer.status === 200 && error === undefined && text === "all" && isEnded) return { gets: "answer", tokens };
  if (error === undefined || text === "other") {
    return { gets: "something else", what: `${answer.status}, text ${text}: ${answer.body.slice(0, 300)}` };
  }
  if (answer.status === 200) {
    return { gets: "error frame", text, status: row?.status ?? 0, code: error.code, tokens };
  }
  const retryAfterMs = answer.headers["retry-after-ms"];
  const shouldRetry = answer.headers["x-should-retry"];
  return {
    gets: "status",
    status: answer.status,
    code: error.code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: snap(Number(retryAfterMs), run) }),
    ...(shouldRetry !== undefined && { shouldRetry: shouldRetry === "true" }),
    // Where the tokens may lack, so may what follows from them.
    ...(run.tokensMayLack === true && run.expect.gets === "status" && { shouldRetry: run.expect.shouldRetry }),
    tokens,
  };
}

function describeText(run: FaultRun, text: string): "none" | "begun" | "all" | "other" {
  if (text === "") return "none";
  if (text === run.answer) return "all";
  return text.startsWith(run.begun) ? "begun" : "other";
}

/** A time that passes counts as the expected one while it lies within its slack. */
function snap(retryAfterMs: number, { expect, retryAfterSlackMs }: FaultRun): number {
  const expected = expect.gets === "status" ? expect.retryAfterMs : undefined;
  if (expected === undefined) return retryAfterMs;
  return retryAfterMs <= expected && retryAfterMs >= expected - retryAfterSlackMs ? expected : retryAfterMs;
}

/** One of `Tokens`; counts that are neither of the expected ones stand for themselves. */
function readTokens({ tokens, expect }: FaultRun, row: string): string {
  // Where the two are the same, such as none at the beginning, the expectation's word is taken.
  if (expect.tokens !== "unknown" && row === tokens[expect.tokens]) return expect.tokens;
  return row === tokens.told ? "told" : row;
}
