import { spawnSync } from "node:child_process";
import type { Environment } from "../config.ts";
import { printable } from "../logger.ts";

export interface ToolResult {
  readonly outcome: "succeeded" | "failed" | "missing";
  /** The first line of what it printed, printable. */
  readonly line: string;
  /** All that it printed to its standard output, as it is. */
  readonly output: string;
}

const TOOL_MS = 120_000;

/** Runs a tool of the system to its end, for two minutes at most. `shown`: its output goes to this terminal instead. */
export function runTool(
  [program, ...parameters]: readonly [string, ...string[]],
  env: Environment,
  options: { readonly shown: boolean } = { shown: false },
): ToolResult {
  const found = spawnSync(program, parameters, {
    env: { ...env } as NodeJS.ProcessEnv,
    encoding: "utf8",
    stdio: options.shown ? "inherit" : ["ignore", "pipe", "pipe"],
    // What is shown may be followed for as long as its reader likes.
    ...(!options.shown && { timeout: TOOL_MS }),
  });
  const isMissing = found.error !== undefined && "code" in found.error && found.error.code === "ENOENT";
  const line = `${found.stderr ?? ""}\n${found.stdout ?? ""}`.trim().replace(/\n[^]*/, "");
  const outcome = found.status === 0 ? "succeeded" : isMissing ? "missing" : "failed";
  return { outcome, line: printable(line).slice(0, 500), output: found.stdout ?? "" };
}
