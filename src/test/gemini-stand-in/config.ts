import { z } from "zod/mini";

export const standInConfigSchema = z.object({
  /** The answer's texts, one update each; default: one that tells what was asked, see `ToldPrompt`. */
  pieces: z.optional(z.array(z.string())),
  /** What the telemetry tells as the end; default `stop`. `null`: it tells nothing. */
  finishReason: z.optional(z.nullable(z.string())),
  /** Names of tools that are called, each without arguments. */
  calls: z.optional(z.array(z.string())),
  /** Instead of an answer: a request of the CLI to its client, such as `session/request_permission`. */
  asksClient: z.optional(z.string()),
  /** Instead of an answer: a line of so many bytes. */
  floodBytes: z.optional(z.int()),
  /** The process hangs, or ends with `exitCode`, after so many pieces. */
  hangAfterPieces: z.optional(z.int()),
  exitAfterPieces: z.optional(z.int()),
  exitCode: z.optional(z.int()),
  /** After its reply the process goes on in spite of SIGTERM. */
  ignoreSigterm: z.optional(z.boolean()),
  stderr: z.optional(z.string()),
  version: z.optional(z.string()),
  /** A file that gets one JSON line per start: see {@link StandInRecord}. */
  recordTo: z.optional(z.string()),
});

export type StandInConfig = z.infer<typeof standInConfigSchema>;

export interface StandInRecord {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly cwdFiles: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What the stand-in was asked, as it tells it in JSON. */
export interface ToldPrompt {
  readonly model: string;
  readonly system: string;
  /** Records of the session's file but its facts. */
  readonly history: readonly unknown[];
  readonly prompt: readonly unknown[];
  readonly settings: Readonly<Record<string, unknown>>;
}
