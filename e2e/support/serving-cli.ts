import { expect, vi } from "vitest";
import type { CliName } from "../../src/lib/cli/model-names.ts";
import { startAgent } from "./agent.ts";
import type { StartedProcess } from "./child-process.ts";
import type { PreparedCli } from "./prepared-cli.ts";
import type { StartedProxy } from "./proxy.ts";

export interface ServingCliOptions {
  readonly proxy: StartedProxy;
  readonly cli: CliName;
  readonly program: string;
  readonly prepared: PreparedCli;
  /** Further variables of the agent's own environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts the built agent `laptop` with one real CLI, and resolves once the proxy has heard that the CLI is ready. */
export async function startServingCli(options: ServingCliOptions): Promise<StartedProcess> {
  const { proxy, cli, program, prepared, env } = options;
  const agent = await startAgent({
    url: proxy.url,
    id: "laptop",
    passEnv: prepared.passEnv,
    env: { ...prepared.environment, CODEWISE_CLI: cli, [`CODEWISE_${cli.toUpperCase()}_PATH`]: program, ...env },
  });
  await vi.waitFor(
    async () => {
      const status: unknown = await (await proxy.asAdmin("/api/agent/status")).json();
      expect(status).toMatchObject({ agents: [{ state: "ready", clis: [{ name: cli, ready: true }] }] });
    },
    { timeout: 60_000, interval: 100 },
  );
  return agent;
}
