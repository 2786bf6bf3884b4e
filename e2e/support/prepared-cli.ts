import { mkdtemp, rm, writeFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { CliName } from "../../src/lib/cli/model-names.ts";

/** A real CLI with a HOME of its own, logged in with a fake key, that asks a server of the test. */
export interface PreparedCli {
  /** What the agent's process needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What of it the CLI must be let see beyond the usual. */
  readonly passEnv: Readonly<Record<string, string>>;
  readonly home: string;
  remove(): Promise<void>;
}

/** Prepares one as its owner would. `origin` is the server's, without a path. */
export async function prepareCli(cli: CliName, program: string, origin: string): Promise<PreparedCli> {
  const home = await mkdtemp(join(tmpdir(), `codewise-${cli}-home-`));
  const remove = (): Promise<void> => rm(home, { recursive: true, force: true, maxRetries: 5 });
  const passEnv = await logIn(cli, program, home, origin);
  return { environment: { HOME: home }, passEnv, home, remove };
}

async function logIn(cli: CliName, program: string, home: string, origin: string): Promise<Record<string, string>> {
  if (cli === "claude") return { ANTHROPIC_API_KEY: "sk-fake", ANTHROPIC_BASE_URL: origin };
  if (cli === "gemini") return { GEMINI_API_KEY: "fake-key-of-the-tests", GOOGLE_GEMINI_BASE_URL: origin };
  const folder = join(home, ".codex");
  await mkdir(folder);
  await writeFile(join(folder, "config.toml"), `openai_base_url = "${origin}/v1"\n`);
  const env = { PATH: process.env["PATH"] ?? "", HOME: home };
  await execa(program, ["login", "--with-api-key"], { env, extendEnv: false, input: "sk-fake-key-of-the-tests\n" });
  return {};
}
