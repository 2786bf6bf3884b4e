import { z } from "zod/mini";

/** How the stand-in answers one turn. */
const turnSchema = z.object({
  /** The text; default: the last user text of the conversation, in pieces of at most 16 characters. */
  text: z.optional(z.string()),
  /** Repeats the text so many times. */
  repeat: z.optional(z.int()),
  /** Wait before each delta. */
  delayMs: z.optional(z.number()),
  /** After so many deltas the process ends. */
  exitAfterDeltas: z.optional(z.int()),
  /** After so many deltas nothing more comes; an interrupt is obeyed unless it is ignored. */
  hangAfterDeltas: z.optional(z.int()),
  ignoreInterrupt: z.optional(z.boolean()),
  /** Goes on with deltas after an ignored interrupt, each of this text. */
  keepTalking: z.optional(z.string()),
  /** These lines, whose `THREAD` and `TURN` are replaced, after the deltas in place of the end. */
  lines: z.optional(z.array(z.string())),
  /** Fails instead of completing. */
  error: z.optional(z.object({ message: z.string(), codexErrorInfo: z.unknown() })),
});

export const standInCodexSchema = z.object({
  turn: z.optional(turnSchema),
  version: z.optional(z.string()),
  loggedIn: z.optional(z.boolean()),
  /** Ends without a word when it is started as an app server. */
  exitAtStart: z.optional(z.boolean()),
  instructionSources: z.optional(z.array(z.string())),
  /** Starts a `sleep` of its own when it begins. */
  grandchild: z.optional(z.boolean()),
  /** Written to stderr at the start. */
  stderr: z.optional(z.string()),
  /** A file that gets one JSON line per start, call and grandchild. */
  recordTo: z.optional(z.string()),
});

export type StandInCodexConfig = z.infer<typeof standInCodexSchema>;
export type StandInTurn = z.infer<typeof turnSchema>;
export { turnSchema };

export type StandInCodexRecord =
  | {
      readonly type: "start";
      readonly pid: number;
      readonly argv: readonly string[];
      readonly cwd: string;
      readonly cwdFiles: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
    }
  | { readonly type: "call"; readonly method: string; readonly params: unknown }
  | { readonly type: "grandchild"; readonly pid: number };
