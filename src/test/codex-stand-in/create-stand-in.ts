import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StandInCodexConfig, StandInCodexRecord } from "./config.ts";

export interface StandInCodex {
  /** Path of an executable to use in place of `codex`. */
  readonly command: string;
  /** Changes what later starts do. */
  configure(config: StandInCodexConfig): Promise<void>;
  /** What the processes so far were started with and asked. */
  readRecords(): Promise<readonly StandInCodexRecord[]>;
  remove(): Promise<void>;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Makes an executable stand-in for `codex` in a new temporary folder; see codex.ts for what it does. */
export async function createStandInCodex(config: StandInCodexConfig): Promise<StandInCodex> {
  const folder = await mkdtemp(join(tmpdir(), "codex-stand-in-"));
  const command = join(folder, "codex");
  const configPath = join(folder, "config.json");
  const recordTo = join(folder, "records.ndjson");
  const configure = (next: StandInCodexConfig): Promise<void> =>
    writeFile(configPath, JSON.stringify({ recordTo, ...next }));
  await configure(config);
  await writeFile(recordTo, "");
  // One process, like the real one: the shell is replaced by Node.
  const node = `${quote(process.execPath)} --disable-warning=ExperimentalWarning --experimental-strip-types`;
  const program = quote(join(import.meta.dirname, "codex.ts"));
  await writeFile(command, `#!/bin/sh\nexec ${node} ${program} ${quote(configPath)} "$@"\n`);
  await chmod(command, 0o755);
  return {
    command,
    configure,
    async readRecords() {
      const text = await readFile(recordTo, "utf8");
      const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
      return lines.filter((line) => line !== "").map((line): StandInCodexRecord => JSON.parse(line));
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}
