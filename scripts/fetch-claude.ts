/**
 * Gets a version of the real `claude` CLI from npm for the tests that need it; it is no dependency of the project.
 * `node scripts/fetch-claude.ts [version …]` prints the paths of the programs.
 */
import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

/** The versions that the executor is held against: the newest one known and what npm picks under Node 20. */
export const CLAUDE_VERSIONS = ["2.1.329", "2.1.197"] as const;

const CACHE = join(import.meta.dirname, "..", ".cache", "claude");
const INSTALL_TIMEOUT_MS = 180_000;

/** The program of one version, from `.cache/claude/<version>` or freshly installed there. Rejects when it cannot be had or does not run. */
export async function fetchClaude(version: string): Promise<string> {
  const folder = join(CACHE, version);
  const program = join(folder, "node_modules", ".bin", "claude");
  if (!(await exists(program))) await install(version, folder);
  const { stdout } = await execa(program, ["--version"], { timeout: 30_000 });
  if (!stdout.includes(version)) throw new Error(`${program} says it is ${stdout.trim()}, not ${version}`);
  return program;
}

/** Installs aside and moves the whole folder, so that an install that was cut off is never taken for a finished one. */
async function install(version: string, folder: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const aside = await mkdtemp(join(CACHE, "install-"));
  try {
    await writeFile(join(aside, "package.json"), '{"private":true}\n');
    const packageName = `@anthropic-ai/claude-code@${version}`;
    await execa("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", aside, packageName], {
      cwd: aside,
      timeout: INSTALL_TIMEOUT_MS,
    });
    await rm(folder, { recursive: true, force: true });
    await rename(aside, folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

if (import.meta.main) {
  const asked = process.argv.slice(2);
  for (const version of asked.length > 0 ? asked : CLAUDE_VERSIONS) console.log(await fetchClaude(version));
}
