import { setTimeout as wait } from "node:timers/promises";
import { prepareCli, type PreparedCli } from "../../e2e/support/prepared-cli.ts";
import { CLAUDE_VERSIONS, fetchClaude } from "../../scripts/fetch-claude.ts";
import { CODEX_VERSION, fetchCodex } from "../../scripts/fetch-codex.ts";
import { fetchGemini, GEMINI_VERSION } from "../../scripts/fetch-gemini.ts";
import { createClaudeExecutor } from "../../src/lib/cli/claude/executor.ts";
import { createCodexExecutor } from "../../src/lib/cli/codex/executor.ts";
import { createGeminiExecutor } from "../../src/lib/cli/gemini/executor.ts";
import type { CliName } from "../../src/lib/cli/model-names.ts";
import type { CliExecutor } from "../../src/lib/cli/types.ts";

/** A CLI in one of two states: nothing of it runs, or a process waits for the next request. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  readonly model: string;
  readonly executor: CliExecutor;
  /** Brings it into its state, before each request. */
  readonly prepare: () => Promise<void>;
}

/** A spare process is started and has set itself up within these times, also on a busy machine. */
const SPARE_WAIT_MS = 15_000;
const SETTLE_MS = 2500;

interface Known {
  readonly version: string;
  readonly model: string;
  readonly fetch: () => Promise<string>;
  readonly create: (common: Common, isWarm: boolean) => CliExecutor;
}

interface Common {
  readonly command: string;
  readonly passEnvironment: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const KNOWN: Readonly<Record<CliName, Known>> = {
  claude: {
    version: CLAUDE_VERSIONS[0],
    model: "sonnet",
    fetch: () => fetchClaude(CLAUDE_VERSIONS[0]),
    create: (common, isWarm) => createClaudeExecutor({ ...common, spares: isWarm ? 1 : 0 }),
  },
  codex: {
    version: CODEX_VERSION,
    model: "codex",
    fetch: fetchCodex,
    create: (common) => createCodexExecutor(common),
  },
  gemini: {
    version: GEMINI_VERSION,
    model: "gemini-2.5-flash",
    fetch: fetchGemini,
    create: (common, isWarm) => createGeminiExecutor({ ...common, spares: isWarm ? 1 : 0 }),
  },
};

/** Fetches and prepares a CLI in front of `origin`: cold, then warm. */
export async function createSubjects(
  cli: CliName,
  origin: string,
): Promise<{ readonly subjects: readonly Subject[]; readonly prepared: PreparedCli }> {
  const { version, model, fetch, create } = KNOWN[cli];
  const command = await fetch();
  const prepared = await prepareCli(cli, command, origin);
  const environment = { PATH: process.env["PATH"] ?? "", ...prepared.environment, ...prepared.passEnv };
  const common = { command, passEnvironment: Object.keys(prepared.passEnv), environment };
  const [cold, warm] = [create(common, false), create(common, true)];
  const subject = { version, model };
  return {
    subjects: [
      { ...subject, name: "cold", executor: cold, prepare: () => cold.killAll() },
      { ...subject, name: "warm", executor: warm, prepare: () => untilWaiting(warm) },
    ],
    prepared,
  };
}

/** Throws where no process comes to wait, as on a machine that is short of memory: its figures would be those of a cold start. */
async function untilWaiting(executor: CliExecutor): Promise<void> {
  const end = performance.now() + SPARE_WAIT_MS;
  while (executor.waiting?.() === 0) {
    if (performance.now() > end) throw new Error(`no process of ${executor.name} waits for a request`);
    await wait(50);
  }
  await wait(SETTLE_MS);
}
