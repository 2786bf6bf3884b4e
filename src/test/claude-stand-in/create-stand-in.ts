import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StandInConfig, StandInRecord } from "./config.ts";

export interface StandInClaude {
  /** Path of an executable to use in place of `claude`. */
  readonly command: string;
  /** Changes what later starts do. */
  configure(config: StandInConfig): Promise<void>;
  /** What the runs so far were started with and given. */
  readRecords(): Promise<readonly StandInRecord[]>;
  remove(): Promise<void>;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const SOURCE = join(import.meta.dirname, "claude.ts");

/**
 * Makes an executable stand-in for `claude` in a new temporary folder; see claude.ts for what it does.
 *
 * @param program What it runs: the source, or a bundle of it, which starts in a third of the time.
 */
export async function createStandInClaude(config: StandInConfig, program: string = SOURCE): Promise<StandInClaude> {
  const folder = await mkdtemp(join(tmpdir(), "claude-stand-in-"));
  const command = join(folder, "claude");
  const configPath = join(folder, "config.json");
  const recordTo = join(folder, "records.ndjson");
  const configure = (next: StandInConfig): Promise<void> =>
    writeFile(configPath, JSON.stringify({ recordTo, ...next }));
  await configure(config);
  await writeFile(recordTo, "");
  // One process, like the real one: the shell is replaced by Node.
  const node = `${quote(process.execPath)} --disable-warning=ExperimentalWarning --experimental-strip-types`;
  await writeFile(command, `#!/bin/sh\nexec ${node} ${quote(program)} ${quote(configPath)} "$@"\n`);
  await chmod(command, 0o755);
  return {
    command,
    configure,
    async readRecords() {
      const text = await readFile(recordTo, "utf8");
      const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
      return lines.filter((line) => line !== "").map((line): StandInRecord => JSON.parse(line));
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}
