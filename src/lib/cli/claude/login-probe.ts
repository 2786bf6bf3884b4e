import { z } from "zod";
import { captureCommand } from "../capture-command.ts";
import { findVersion } from "../cli-version.ts";
import type { CliReadiness } from "../types.ts";

/** The first version in which everything that makes a remote prompt harmless was seen to work. */
const MINIMUM_VERSION = [2, 1, 197] as const;
const LOGIN_TIMEOUT_MS = 15_000;

const loginStatusSchema = z.looseObject({ loggedIn: z.boolean() });

export interface ProbeOptions {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** An existing folder to run in. */
  readonly workDirectory: string;
  readonly signal: AbortSignal | undefined;
}

/** Asks the CLI for its version and login; no upstream call, nothing read of the login itself. Never rejects. */
export async function probeClaude(options: ProbeOptions): Promise<CliReadiness> {
  const { version, problem } = await findVersion({
    ...options,
    program: "claude",
    product: "Claude Code",
    minimum: MINIMUM_VERSION,
    update: "run `claude update`",
  });
  if (problem !== undefined) return notReady(version, problem);
  const login = await readLogin(options);
  return login === null ? { name: "claude", version, ready: true, reason: null } : notReady(version, login);
}

function notReady(version: string | null, reason: string): CliReadiness {
  return { name: "claude", version, ready: false, reason };
}

/** `null` when logged in, else why not. */
async function readLogin(options: ProbeOptions): Promise<string | null> {
  const run = await captureCommand(options.command, ["auth", "status", "--json"], {
    ...options,
    timeoutMs: LOGIN_TIMEOUT_MS,
  });
  if (run.type === "not-started") return `\`claude\` cannot be started (${run.systemCode}).`;
  if (run.type === "timed-out") return "`claude auth status` did not end in time.";
  let status: unknown;
  try {
    status = JSON.parse(run.stdout);
  } catch {
    return "`claude auth status` gave no answer that can be read.";
  }
  const parsed = loginStatusSchema.safeParse(status);
  if (!parsed.success) return "`claude auth status` gave no answer that can be read.";
  return parsed.data.loggedIn ? null : "claude is not logged in: run `claude auth login` as the user of this process.";
}
