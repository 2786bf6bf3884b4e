import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StandInConfig, StandInRecord } from "./config.ts";

export interface StandInGemini {
  /** Path of an executable to use in place of `gemini`. */
  readonly command: string;
  /** Changes what later starts do. */
  configure(config: StandInConfig): Promise<void>;
  /** What the runs so far were started with. */
  readRecords(): Promise<readonly StandInRecord[]>;
  remove(): Promise<void>;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const SOURCE = join(import.meta.dirname, "gemini.ts");

/** Makes an executable stand-in for `gemini` in a new temporary folder; see gemini.ts for what it does. */
export async function createStandInGemini(config: StandInConfig): Promise<StandInGemini> {
  const folder = await mkdtemp(join(tmpdir(), "gemini-stand-in-"));
  const command = join(folder, "gemini");
  const configPath = join(folder, "config.json");
  const recordTo = join(folder, "records.ndjson");
  const configure = (next: StandInConfig): Promise<void> =>
    writeFile(configPath, JSON.stringify({ recordTo, ...next }));
  await configure(config);
  await writeFile(recordTo, "");
  // One process, as the real one without its relaunch: the shell is replaced by Node.
  const node = `${quote(process.execPath)} --disable-warning=ExperimentalWarning --experimental-strip-types`;
  await writeFile(command, `#!/bin/sh\nexec ${node} ${quote(SOURCE)} ${quote(configPath)} "$@"\n`);
  await chmod(command, 0o755);
  return {
    command,
    configure,
    async readRecords() {
      const lines = (await readFile(recordTo, "utf8")).split("\n").filter((line) => line !== "");
      return lines.map((line): StandInRecord => JSON.parse(line));
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}
