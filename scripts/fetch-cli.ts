import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

const CACHE = join(import.meta.dirname, "..", ".cache");
const INSTALL_TIMEOUT_MS = 300_000;
const VERSION_TIMEOUT_MS = 30_000;

export interface FetchedCli {
  /** The npm package, such as `@openai/codex`. */
  readonly packageName: string;
  readonly version: string;
  /** Its folder in `.cache`. */
  readonly cacheName: string;
  /** The program that the package brings; asked with `--version`, it must name the version. */
  readonly program: string;
}

/**
 * The path of one version of a real CLI, from `.cache/<cacheName>/<version>` or freshly installed there from npm; none is a
 * dependency of the project. Rejects when it cannot be had or does not run.
 */
export async function fetchCli(cli: FetchedCli): Promise<string> {
  const folder = join(CACHE, cli.cacheName, cli.version);
  const path = join(folder, "node_modules", ".bin", cli.program);
  if (!(await exists(path))) await install(cli, folder);
  const { stdout } = await execa(path, ["--version"], { timeout: VERSION_TIMEOUT_MS });
  if (!stdout.includes(cli.version)) throw new Error(`${path} says it is ${stdout.trim()}, not ${cli.version}`);
  return path;
}

/** Installs aside and moves the whole folder, so that an install that was cut off is never taken for a finished one. */
async function install(cli: FetchedCli, folder: string): Promise<void> {
  const parent = join(CACHE, cli.cacheName);
  await mkdir(parent, { recursive: true });
  const aside = await mkdtemp(join(parent, "install-"));
  try {
    await writeFile(join(aside, "package.json"), '{"private":true}\n');
    const wanted = `${cli.packageName}@${cli.version}`;
    await execa("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", aside, wanted], {
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
