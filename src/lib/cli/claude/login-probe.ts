import { z } from "zod";
import { captureCommand } from "../capture-command.ts";
import type { CliReadiness } from "../types.ts";

/** The first version in which everything that makes a remote prompt harmless was seen to work. */
const MINIMUM_VERSION = [2, 1, 197] as const;
const VERSION_TIMEOUT_MS = 15_000;
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
  const version = await readVersion(options);
  if (version.value === undefined) return notReady(null, version.reason);
  if (isOlder(version.value)) {
    const reason = `claude ${version.value} is too old: ${MINIMUM_VERSION.join(".")} or later is needed; run \`claude update\`.`;
    return notReady(version.value, reason);
  }
  const login = await readLogin(options);
  return login === null
    ? { name: "claude", version: version.value, ready: true, reason: null }
    : notReady(version.value, login);
}

function notReady(version: string | null, reason: string): CliReadiness {
  return { name: "claude", version, ready: false, reason };
}

async function readVersion(
  options: ProbeOptions,
): Promise<
  { readonly value: string; readonly reason?: undefined } | { readonly value?: undefined; readonly reason: string }
> {
  const run = await captureCommand(options.command, ["--version"], { ...options, timeoutMs: VERSION_TIMEOUT_MS });
  if (run.type === "not-started") {
    return {
      reason:
        run.systemCode === "ENOENT"
          ? "`claude` was not found: install Claude Code or give its path."
          : `\`claude\` cannot be started (${run.systemCode}).`,
    };
  }
  if (run.type === "timed-out") return { reason: "`claude --version` did not end in time." };
  const value = /\b\d+\.\d+\.\d+\b/.exec(run.stdout)?.[0];
  return value === undefined ? { reason: "`claude --version` named no version: is it Claude Code?" } : { value };
}

function isOlder(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, minimum] of MINIMUM_VERSION.entries()) {
    const part = parts[index] ?? 0;
    if (part !== minimum) return part < minimum;
  }
  return false;
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
