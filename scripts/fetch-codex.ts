/**
 * Gets the real `codex` CLI from npm for the tests that need it. `node scripts/fetch-codex.ts [version]` prints the
 * path of the program: a Node wrapper around the native one that npm picks for this platform.
 */
import { fetchCli } from "./fetch-cli.ts";

/** The version that the executor is held against. */
export const CODEX_VERSION = "0.169.0";

/** The program of one version. Rejects when it cannot be had or does not run. */
export function fetchCodex(version: string = CODEX_VERSION): Promise<string> {
  return fetchCli({ packageName: "@openai/codex", version, cacheName: "codex", program: "codex" });
}

if (import.meta.main) console.log(await fetchCodex(process.argv[2]));
