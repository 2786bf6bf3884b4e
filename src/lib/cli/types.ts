/**
 * A coding CLI used as a pure model, behind one small interface. This folder and what it imports are portable: the proxy
 * (`claude-cli`) and the agent both run it, so it reads no environment, database or gateway module.
 */
import { GatewayError, type ErrorCode, type GatewayErrorOptions } from "../http/errors.ts";
import type { ChatRequest } from "../openai/chat.ts";
import type { ChatDelta } from "../openai/delta.ts";
import type { FinishReason, Usage } from "../openai/usage.ts";
import type { CliName } from "./model-names.ts";

export interface CliReadiness {
  readonly name: string;
  readonly version: string | null;
  readonly ready: boolean;
  /** Why it is not ready and what to do, in one line for the owner of the machine; `null` when ready. */
  readonly reason: string | null;
}

/** One request for one process. All durations in milliseconds. */
export interface CliExecution {
  readonly requestId: string;
  readonly request: ChatRequest;
  readonly model: string;
  /** Aborting kills the whole process group, by SIGKILL. */
  readonly signal: AbortSignal;
  readonly firstEventTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly deadlineMs: number;
}

/** Where the answer goes. A `false` from `delta` means: stop reading the CLI's output until `onDrain` calls back. */
export interface CliSink {
  open(opened: { readonly model: string; readonly droppedParams: readonly string[] }): void;
  delta(delta: ChatDelta): boolean;
  onDrain(listener: () => void): void;
}

export interface CliOutcome {
  readonly finishReason: FinishReason;
  readonly usage: Usage | undefined;
  readonly usageSource: "cli" | "estimate" | "none";
  readonly model: string;
  readonly droppedParams: readonly string[];
  readonly costUsd: number | undefined;
  readonly timings: { readonly spawnMs: number | null; readonly firstDeltaMs: number | null; readonly totalMs: number };
}

export interface CliExecutor {
  readonly name: CliName;
  /** Presence, version and login, without an upstream call. Bounded; never rejects. */
  probe(signal?: AbortSignal): Promise<CliReadiness>;
  /** Model ids and aliases it serves, by the CLI's own names; an entry with a trailing `*` stands for all that begin so. */
  models(): readonly string[];
  /** Runs one request to its honest end. Rejects with GatewayError (or {@link CliFailure}) otherwise; no process is left behind either way. */
  execute(execution: CliExecution, sink: CliSink): Promise<CliOutcome>;
  /** Number of processes that work on requests. */
  running(): number;
  /** Number of processes that wait for one; left out where none ever does. */
  waiting?(): number;
  /** Ends every process at once. */
  killAll(): Promise<void>;
}

/** A failed run, with what only the owner of the machine and the log may see beside the client's message. */
export class CliFailure extends GatewayError {
  /** Last lines of stderr, secrets removed, at most 4,096 characters. */
  readonly stderrTail: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: GatewayErrorOptions & { readonly stderrTail?: string | undefined } = {},
  ) {
    super(code, message, options);
    this.name = "CliFailure";
    this.stderrTail = options.stderrTail;
  }
}
