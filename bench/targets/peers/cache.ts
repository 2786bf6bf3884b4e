import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { TargetUnavailable } from "../types.ts";

const INSTALL_TIMEOUT_MS = 10 * 60_000;
const SHOWN_CHARACTERS = 300;
const cache = join(import.meta.dirname, "..", "..", "..", ".cache", "bench");

export interface InstallStep {
  readonly program: string;
  readonly parameters: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Installs a peer into a folder of the project's cache, once: a later run finds it there.
 *
 * @param files what is written into the folder before the steps, by name
 * @returns the folder
 * @throws TargetUnavailable with the reason when it cannot be installed here
 */
export async function installPeer(
  name: string,
  files: Readonly<Record<string, string>>,
  steps: (directory: string) => readonly InstallStep[],
): Promise<string> {
  const directory = join(cache, name);
  const done = join(directory, "installed");
  if (existsSync(done)) return directory;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
  for (const { program, parameters, env } of steps(directory)) {
    const result = await execa(program, parameters, {
      cwd: directory,
      timeout: INSTALL_TIMEOUT_MS,
      reject: false,
      all: true,
      ...(env !== undefined && { env }),
    });
    if (!result.failed) continue;
    const reason = (result.all ?? result.message)
      .replaceAll(/https?:\/\/\S+/g, "…")
      .trim()
      .replaceAll(/\s+/g, " ")
      .slice(-SHOWN_CHARACTERS);
    throw new TargetUnavailable(`${name} could not be installed: ${reason}`);
  }
  writeFileSync(done, "");
  return directory;
}
