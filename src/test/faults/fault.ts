import type { Dialect } from "./dialect.ts";
import type { WireScript } from "./wire-server.ts";

/** Of the row: as the upstream told them in the end, as it told them at the beginning of a stream (where it does), or none. */
export type Tokens = "told" | "begun" | "unknown";

/** What the client gets, and the row that is written. */
export type Expectation =
  /** Status 200, the whole text, a finish reason and, where it is streamed, `[DONE]`; the row has status 200. */
  | { readonly gets: "answer"; readonly tokens: Tokens }
  /** An HTTP status and an OpenAI error object; the row has the same status and code. */
  | {
      readonly gets: "status";
      readonly status: number;
      readonly code: string;
      /** In milliseconds, as `retry-after-ms` says it; `retry-after` is the same in whole seconds. */
      readonly retryAfterMs?: number;
      readonly shouldRetry?: boolean;
      readonly tokens: Tokens;
    }
  /** Status 200, so much of the text, an error frame and no `[DONE]`; the row has `status` and the code. */
  | {
      readonly gets: "error frame";
      readonly text: "none" | "begun" | "all";
      readonly status: number;
      readonly code: string;
      readonly tokens: Tokens;
    };

export interface FaultCase {
  readonly script: (dialect: Dialect) => WireScript;
  readonly expect: Expectation;
}

export type ApiProvider = Dialect["provider"];

/** A fault of an upstream API. A case that makes no sense in a mode, or in one of the formats, is left out. */
export interface Fault {
  /** Also the name of the model that brings it about. */
  readonly id: string;
  /** One line for the table. */
  readonly title: string;
  /** Clocks so short that they run out within the test; default: so long that they do not. */
  readonly clocks?: "short";
  /** Why what happens is right though it may surprise. */
  readonly note?: string;
  /** The text of the whole answer, where it is another than all faults'. */
  readonly answer?: string;
  /** The client's `n`. */
  readonly choices?: number;
  /** How far the observed time to wait may lie below the expected one, in milliseconds, for times that pass. */
  readonly retryAfterSlackMs?: number;
  readonly streamed: Partial<Record<ApiProvider, FaultCase>>;
  readonly whole: Partial<Record<ApiProvider, FaultCase>>;
}

/** The whole answer. */
export const answered = (tokens: Tokens = "told"): Expectation => ({ gets: "answer", tokens });

/** A failure before the first byte. */
export function refused(
  status: number,
  code: string,
  more: { readonly retryAfterMs?: number; readonly shouldRetry?: boolean; readonly tokens?: Tokens } = {},
): Expectation {
  return { gets: "status", status, code, tokens: "unknown", ...more };
}

/** Codes of faults that last, or after which tokens may have been spent. */
const NOT_TO_BE_REPEATED: ReadonlySet<string> = new Set([
  "insufficient_quota",
  "usage_limit_reached",
  "upstream_incomplete",
  "upstream_unauthorized",
  "upstream_model_not_found",
  "upstream_billing",
  "deadline_exceeded",
  "agent_rejected",
  "cli_missing",
  "cli_not_logged_in",
  "cli_repeated_output",
  "cli_unexpected_tool",
  "cli_output_invalid",
]);

/** With what goes for every HTTP status: after faults that last, or that used tokens, the SDKs are told not to ask again. */
export function withRetryRule(
  expect: Expectation,
  tokens: { readonly told: string; readonly begun: string },
): Expectation {
  if (expect.gets !== "status") return expect;
  const used = expect.tokens !== "unknown" && tokens[expect.tokens] !== "unknown";
  return used || NOT_TO_BE_REPEATED.has(expect.code) ? { shouldRetry: false, ...expect } : expect;
}

/** A failure after the first piece of text. */
export function brokenOff(
  status: number,
  code: string,
  more: { readonly text?: "none" | "begun" | "all"; readonly tokens?: Tokens } = {},
): Expectation {
  return { gets: "error frame", text: "begun", status, code, tokens: "begun", ...more };
}

/** The same script, written in each format, with the same outcome. */
export function both(script: FaultCase["script"], expect: Expectation): Fault["streamed"] {
  return { openai: { script, expect }, "claude-api": { script, expect } };
}

/** The same script with outcomes that differ. */
export function each(script: FaultCase["script"], openai: Expectation, claudeApi: Expectation): Fault["streamed"] {
  return { openai: { script, expect: openai }, "claude-api": { script, expect: claudeApi } };
}

export const openaiOnly = (script: FaultCase["script"], expect: Expectation): Fault["streamed"] => ({
  openai: { script, expect },
});

export const claudeOnly = (script: FaultCase["script"], expect: Expectation): Fault["streamed"] => ({
  "claude-api": { script, expect },
});

/** For a fault that does not exist in a mode. */
export const NOWHERE: Fault["streamed"] = {};
