/**
 * Gets a version of the real `claude` CLI from npm for the tests that need it.
 * `node scripts/fetch-claude.ts [version …]` prints the paths of the programs.
 */
import { fetchCli } from "./fetch-cli.ts";

/** The versions that the executor is held against: the newest one known and what npm picks under Node 20. */
export const CLAUDE_VERSIONS = ["2.1.329", "2.1.197"] as const;

/** The program of one version. Rejects when it cannot be had or does not run. */
export function fetchClaude(version: string): Promise<string> {
  return fetchCli({ packageName: "@anthropic-ai/claude-code", version, cacheName: "claude", program: "claude" });
}

if (import.meta.main) {
  const asked = process.argv.slice(2);
  for (const version of asked.length > 0 ? asked : CLAUDE_VERSIONS) console.log(await fetchClaude(version));
}
