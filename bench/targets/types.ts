import type { Counts } from "../upstream/counts.ts";

/** What a load process needs to reach a running target. */
export interface Target {
  readonly name: string;
  /** Root of the process tree whose CPU and memory are measured. For `direct` that is the mock upstream. */
  readonly pid: number;
  /** Origin. */
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly listeningMs: number;
  readonly readyMs: number;
  /** What reached the one that answers behind it, since its start. */
  readonly counts: () => Promise<Counts>;
  readonly stop: () => Promise<void>;
}

export interface TargetContext {
  /** The mock upstream. */
  readonly upstream: { readonly url: string; readonly pid: number };
  /** A folder of this run alone, removed at its end. */
  readonly directory: string;
  /** Codewise from source, without the dashboard, in place of the built server. */
  readonly fromSource: boolean;
  /** URL of the PostgreSQL database of a target, made when it is first asked for; undefined: the embedded database. */
  readonly databaseUrl: (target: string) => string | undefined;
}

/** @throws TargetUnavailable when it cannot be had here */
export type StartTarget = (context: TargetContext) => Promise<Target>;

/** Why a target is left out, in words for the table. */
export class TargetUnavailable extends Error {}

export const MODEL = "bench-model";
export const CHAT_PATH = "/v1/chat/completions";
/** What the mock upstream is sent as its key; it looks at none. */
export const UPSTREAM_KEY = "sk-bench-0123456789abcdef0123456789abcdef";
