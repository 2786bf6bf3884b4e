import { execa } from "execa";
import { fetchCli } from "./fetch-cli.ts";

/** The lines of Node that the agent's package is tried on, oldest first. */
export const NODE_VERSIONS = ["22.12.0", "24.21.0", "26.10.0"] as const;

/**
 * The path of one version of Node, from `.cache/node` or freshly installed there from the npm package that carries it. Rejects
 * when it cannot be had or does not run.
 */
export async function fetchNode(version: string): Promise<string> {
  const path = await fetchCli({ packageName: "node", version, cacheName: "node", program: "node" });
  // The package's own installer puts the binary into place; where it was not run, `node` would be a mere notice.
  const { stdout } = await execa(path, ["-p", "process.versions.node"], { timeout: 30_000 });
  if (stdout.trim() !== version) throw new Error(`node ${version} says it is ${stdout.trim()}`);
  return path;
}
