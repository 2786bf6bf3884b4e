import { captureCommand } from "./capture-command.ts";

export interface VersionQuestion {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** An existing folder to run in. */
  readonly workDirectory: string;
  readonly signal: AbortSignal | undefined;
  /** The program's name on a command line, and the product's, for the reasons. */
  readonly program: string;
  readonly product: string;
  /** The first version that is taken. */
  readonly minimum: readonly [major: number, minor: number, patch: number];
  /** What to do about an older one, as the end of a sentence; left out where nothing is to be said. */
  readonly update?: string;
}

/** `problem` is for the owner of the machine, in one line, and names the command that was tried; `undefined` where the version is taken. */
export interface FoundVersion {
  readonly version: string | null;
  readonly problem: string | undefined;
}

const TIMEOUT_MS = 15_000;
/** Most of a command's path in a problem, in characters; the end tells more. */
const MAX_SHOWN = 200;

/** Asks a CLI for its version. Bounded; never rejects; no process is left. */
export async function findVersion(question: VersionQuestion): Promise<FoundVersion> {
  const { command, program, product, minimum, update } = question;
  const run = await captureCommand(command, ["--version"], { ...question, timeoutMs: TIMEOUT_MS });
  const missing = (problem: string): FoundVersion => ({ version: null, problem });
  const shown = command.length > MAX_SHOWN ? `…${command.slice(-MAX_SHOWN)}` : command;
  if (run.type === "not-started") {
    if (run.systemCode !== "ENOENT") return missing(`\`${shown}\` cannot be started (${run.systemCode}).`);
    const mend = command === program ? `install ${product} or give its path` : `install ${product} or correct its path`;
    return missing(`\`${shown}\` was not found: ${mend}.`);
  }
  if (run.type === "timed-out") return missing(`\`${shown} --version\` did not end in time.`);
  const version = /\b\d+\.\d+\.\d+\b/.exec(run.stdout)?.[0];
  if (version === undefined) return missing(`\`${shown} --version\` named no version: is it ${product}?`);
  if (!isOlder(version, minimum)) return { version, problem: undefined };
  const hint = update === undefined ? "" : `; ${update}`;
  return { version, problem: `${program} ${version} is too old: ${minimum.join(".")} or later is needed${hint}.` };
}

function isOlder(version: string, minimum: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, least] of minimum.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}
