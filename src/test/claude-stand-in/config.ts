import { z } from "zod/mini";

/** What the stand-in answers with. */
const answerSchema = z.discriminatedUnion("type", [
  /** The bytes of a recording (NDJSON of the real CLI's stdout), as they are. */
  z.object({ type: z.literal("replay"), file: z.string() }),
  /** A text made from a seed: `generateDeltas(seed, characters)` of generate-answer.ts, one delta each. */
  z.object({ type: z.literal("generate"), seed: z.int(), characters: z.int() }),
  /** The text of the last user turn, in deltas of at most 16 characters. */
  z.object({ type: z.literal("echo") }),
  /** One line without an end. */
  z.object({ type: z.literal("flood"), bytes: z.int() }),
]);

export const standInConfigSchema = z.object({
  answer: answerSchema,
  /** Wait before each line of the answer. */
  delayMs: z.optional(z.number()),
  /** Writes the answer in pieces of so many bytes, which cut lines and characters anywhere. */
  pieceBytes: z.optional(z.int()),
  /** After so many lines of the answer nothing more comes, and the process stays. */
  hangAfterLines: z.optional(z.int()),
  /** After so many lines of the answer stdout is closed, and the process stays. */
  closeOutputAfterLines: z.optional(z.int()),
  /** After so many lines of the answer the process ends with `exitCode` (default 1), without a result. */
  exitAfterLines: z.optional(z.int()),
  /** Exits after the answer's last line without waiting for the end of stdin, as a run that was cut off does. */
  exitAtEnd: z.optional(z.boolean()),
  exitCode: z.optional(z.int()),
  /** SIGTERM has no effect. */
  ignoreSigterm: z.optional(z.boolean()),
  /** Stays after its result although stdin is closed. */
  lingerAfterResult: z.optional(z.boolean()),
  /** Starts a `sleep` of its own when it begins; `holds-output`: which inherits stdout. */
  grandchild: z.optional(z.enum(["quiet", "holds-output"])),
  /** Written to stderr at the start. */
  stderr: z.optional(z.string()),
  /** What `init` lists. */
  initTools: z.optional(z.array(z.string())),
  version: z.optional(z.string()),
  loggedIn: z.optional(z.boolean()),
  /** A file that gets one JSON line per start, stdin line and grandchild: see {@link StandInRecord}. */
  recordTo: z.optional(z.string()),
  /**
   * A last user text that is a JSON object `{"standIn": {…}}` overrides these settings for its run: how a client
   * chooses an answer and a fault per request.
   */
  promptOverrides: z.optional(z.boolean()),
});

export type StandInConfig = z.infer<typeof standInConfigSchema>;

export type StandInRecord =
  | {
      readonly type: "start";
      readonly pid: number;
      readonly argv: readonly string[];
      readonly cwd: string;
      readonly cwdFiles: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
    }
  | { readonly type: "stdin"; readonly line: string }
  | { readonly type: "grandchild"; readonly pid: number };
