import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { createStandInClaude } from "../claude-stand-in/create-stand-in.ts";
import { CLI_ANSWER, type CliFiles } from "./cli-fault.ts";

const STAND_IN = resolve(import.meta.dirname, "..", "claude-stand-in", "claude.ts");
const RECORDINGS = resolve(import.meta.dirname, "..", "..", "lib", "cli", "claude", "__fixtures__");

export interface CliStage {
  /** Path of the stand-in. */
  readonly command: string;
  readonly files: CliFiles;
  remove(): Promise<void>;
}

/** A stand-in CLI whose prompts choose its faults, and the files that it replays. */
export async function createCliStage(): Promise<CliStage> {
  const folder = mkdtempSync(join(tmpdir(), "codewise-faults-"));
  const program = join(folder, "claude.mjs");
  buildSync({ entryPoints: [STAND_IN], outfile: program, bundle: true, platform: "node", format: "esm" });
  const standIn = await createStandInClaude({ answer: CLI_ANSWER, promptOverrides: true }, program);
  const recording = (name: string): string => join(RECORDINGS, `${name}.ndjson`);
  const written = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    command: standIn.command,
    files: {
      recording,
      changed: (name, change) => written(`${name}.ndjson`, change(readFileSync(recording(name), "utf8"))),
      written,
    },
    remove: async () => {
      await standIn.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
