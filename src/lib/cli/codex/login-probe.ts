import { GatewayError } from "../../http/errors.ts";
import { captureCommand } from "../capture-command.ts";
import { removeSecrets } from "../sensitive.ts";
import type { CliReadiness } from "../types.ts";
import { RefusedCall } from "./app-server.ts";

/** The first version in which everything that makes a remote prompt harmless was seen to work. */
const MINIMUM_VERSION = [0, 169, 0] as const;
/** Most of the CLI's own words in a reason, in characters. */
const MAX_SAID = 300;
const VERSION_TIMEOUT_MS = 15_000;
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
  const version = await readVersion(options);
  if (version.value === undefined) return notReady(null, version.reason);
  if (isOlder(version.value)) {
    const reason = `codex ${version.value} is too old: ${MINIMUM_VERSION.join(".")} or later is needed; run \`codex update\`.`;
    return notReady(version.value, reason);
  }
  const limit = AbortSignal.timeout(LOGIN_TIMEOUT_MS);
  try {
    await options.tryThread(options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]));
    return { name: "codex", version: version.value, ready: true, reason: null };
  } catch (error) {
    const reason = limit.aborted ? "`codex app-server` did not answer in time." : toReason(error);
    return notReady(version.value, reason);
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

type Version = { readonly value: string } | { readonly value?: undefined; readonly reason: string };

async function readVersion(options: ProbeOptions): Promise<Version> {
  const run = await captureCommand(options.command, ["--version"], { ...options, timeoutMs: VERSION_TIMEOUT_MS });
  if (run.type === "not-started") {
    return {
      reason:
        run.systemCode === "ENOENT"
          ? "`codex` was not found: install the Codex CLI or give its path."
          : `\`codex\` cannot be started (${run.systemCode}).`,
    };
  }
  if (run.type === "timed-out") return { reason: "`codex --version` did not end in time." };
  const value = /\b\d+\.\d+\.\d+\b/.exec(run.stdout)?.[0];
  return value === undefined ? { reason: "`codex --version` named no version: is it the Codex CLI?" } : { value };
}

function isOlder(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, minimum] of MINIMUM_VERSION.entries()) {
    const part = parts[index] ?? 0;
    if (part !== minimum) return part < minimum;
  }
  return false;
}
