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
  readonly cli: CliName;
  readonly version: string;
  readonly model: string;
  readonly executor: CliExecutor;
  /** Brings it into its state, before each request. */
  readonly prepare: () => Promise<void>;
}

/** A spare process is started within this time, also on a busy machine. */
const SPARE_WAIT_MS = 3000;

interface Known {
  readonly version: string;
  readonly model: string;
  readonly fetch: () => Promise<string>;
  readonly create: (common: Common, isWarm: boolean) => CliExecutor;
  /** Whether one process serves all requests, in place of one each. */
  readonly isShared: boolean;
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
    isShared: false,
  },
  codex: {
    version: CODEX_VERSION,
    model: "codex",
    fetch: fetchCodex,
    create: (common) => createCodexExecutor(common),
    isShared: true,
  },
  gemini: {
    version: GEMINI_VERSION,
    model: "gemini-2.5-flash",
    fetch: fetchGemini,
    create: (common, isWarm) => createGeminiExecutor({ ...common, spares: isWarm ? 1 : 0 }),
    isShared: false,
  },
};

/** Fetches and prepares a CLI in front of `origin`: cold, then warm. */
export async function createSubjects(
  cli: CliName,
  origin: string,
): Promise<{ readonly subjects: readonly Subject[]; readonly prepared: PreparedCli }> {
  const { version, model, fetch, create, isShared } = KNOWN[cli];
  const command = await fetch();
  const prepared = await prepareCli(cli, command, origin);
  const environment = { PATH: process.env["PATH"] ?? "", ...prepared.environment, ...prepared.passEnv };
  const common = { command, passEnvironment: Object.keys(prepared.passEnv), environment };
  const [cold, warm] = [create(common, false), create(common, true)];
  const subject = { cli, version, model };
  return {
    subjects: [
      { ...subject, name: "cold", executor: cold, prepare: () => cold.killAll() },
      { ...subject, name: "warm", executor: warm, prepare: () => wait(isShared ? 0 : SPARE_WAIT_MS) },
    ],
    prepared,
  };
}
