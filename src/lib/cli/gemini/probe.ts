import { captureCommand } from "../capture-command.ts";
import type { CliReadiness } from "../types.ts";
import { findLogin } from "./login.ts";

/** The first version in which everything that makes a remote prompt harmless, and tells an answer's end, was seen to work. */
const MINIMUM_VERSION = [0, 61, 0] as const;
const VERSION_TIMEOUT_MS = 15_000;

export interface ProbeOptions {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The folder that has the owner's `.gemini`. */
  readonly ownerHome: string | undefined;
  /** An existing folder to run in. */
  readonly workDirectory: string;
  readonly signal: AbortSignal | undefined;
}

/** Asks the CLI for its version and looks for a login; no upstream call, nothing read of the login itself. Never rejects. */
export async function probeGemini(options: ProbeOptions): Promise<CliReadiness> {
  const run = await captureCommand(options.command, ["--version"], { ...options, timeoutMs: VERSION_TIMEOUT_MS });
  if (run.type === "not-started") {
    return notReady(
      null,
      run.systemCode === "ENOENT"
        ? "`gemini` was not found: install Gemini CLI or give its path."
        : `\`gemini\` cannot be started (${run.systemCode}).`,
    );
  }
  if (run.type === "timed-out") return notReady(null, "`gemini --version` did not end in time.");
  const version = /\b\d+\.\d+\.\d+\b/.exec(run.stdout)?.[0];
  if (version === undefined) return notReady(null, "`gemini --version` named no version: is it Gemini CLI?");
  if (isOlder(version)) {
    return notReady(version, `gemini ${version} is too old: ${MINIMUM_VERSION.join(".")} or later is needed.`);
  }
  const login = await findLogin(options.environment, options.ownerHome);
  if (login !== undefined) return { name: "gemini", version, ready: true, reason: null };
  return notReady(
    version,
    "gemini is not logged in: run `gemini` once as the user of this process, or pass GEMINI_API_KEY (`--pass-env`).",
  );
}

function notReady(version: string | null, reason: string): CliReadiness {
  return { name: "gemini", version, ready: false, reason };
}

function isOlder(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, minimum] of MINIMUM_VERSION.entries()) {
    const part = parts[index] ?? 0;
    if (part !== minimum) return part < minimum;
  }
  return false;
}
