import { findVersion } from "../cli-version.ts";
import type { CliReadiness } from "../types.ts";
import { findLogin } from "./login.ts";

/** The first version in which everything that makes a remote prompt harmless, and tells an answer's end, was seen to work. */
const MINIMUM_VERSION = [0, 61, 0] as const;

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
  const { version, problem } = await findVersion({
    ...options,
    program: "gemini",
    product: "Gemini CLI",
    minimum: MINIMUM_VERSION,
  });
  if (problem !== undefined) return notReady(version, problem);
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
