import { GatewayError } from "../../http/errors.ts";
import { findVersion } from "../cli-version.ts";
import { removeSecrets } from "../sensitive.ts";
import type { CliReadiness } from "../types.ts";
import { RefusedCall } from "./app-server.ts";

/** The first version in which everything that makes a remote prompt harmless was seen to work. */
const MINIMUM_VERSION = [0, 169, 0] as const;
/** Most of the CLI's own words in a reason, in characters. */
const MAX_SAID = 300;
const LOGIN_TIMEOUT_MS = 30_000;

export interface ProbeOptions {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** An existing folder to run in. */
  readonly workDirectory: string;
  /** Opens a thread as a request does, without a turn. Rejects with GatewayError. */
  readonly tryThread: (signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/** Asks the CLI for its version, and whether a request could begin; no upstream call. Never rejects. */
export async function probeCodex(options: ProbeOptions): Promise<CliReadiness> {
  const { version, problem } = await findVersion({
    ...options,
    program: "codex",
    product: "the Codex CLI",
    minimum: MINIMUM_VERSION,
    update: "run `codex update`",
  });
  if (problem !== undefined) return notReady(version, problem);
  const limit = AbortSignal.timeout(LOGIN_TIMEOUT_MS);
  try {
    await options.tryThread(options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]));
    return { name: "codex", version, ready: true, reason: null };
  } catch (error) {
    const reason = limit.aborted ? "`codex app-server` did not answer in time." : toReason(error);
    return notReady(version, reason);
  }
}

function notReady(version: string | null, reason: string): CliReadiness {
  return { name: "codex", version, ready: false, reason };
}

function toReason(error: unknown): string {
  if (!(error instanceof GatewayError)) return "`codex app-server` cannot be used.";
  if (error instanceof RefusedCall) {
    const said = removeSecrets(error.said.replaceAll(/\s+/g, " "), []).slice(0, MAX_SAID);
    return `\`codex app-server\` cannot be used: ${said}`;
  }
  switch (error.code) {
    case "cli_not_logged_in":
      return "codex is not logged in: run `codex login` as the user of this process.";
    case "cli_unexpected_tool":
      return `${error.message} Remove it from codex's folder, or give codex a folder of its own by CODEX_HOME and log in there.`;
    default:
      return `\`codex app-server\` cannot be used: ${error.message}`;
  }
}
