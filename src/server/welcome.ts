import { ensureFirstKey } from "../lib/keys/key-store.ts";
import { AGENT_PROVIDERS } from "../lib/providers/cli-providers.ts";
import type { ProviderType } from "../lib/providers/types.ts";
import type { Runtime } from "../lib/runtime.ts";

const AGENT_TYPES: ReadonlySet<ProviderType> = new Set(Object.values(AGENT_PROVIDERS));

/** Prints on stdout what to do next: the address, and once the keys that were just made. They are shown nowhere else. */
export async function printWelcome(
  runtime: Runtime,
  { url, withDashboard }: { readonly url: string; readonly withDashboard: boolean },
): Promise<void> {
  const lines = ["", `Codewise listens on ${url}`];
  if (withDashboard) lines.push(`Dashboard: ${url}/`);
  const firstKey = await firstKeyOf(runtime);
  if (firstKey !== undefined) {
    lines.push("", "Client key (shown once). Point any OpenAI client at the proxy with:");
    lines.push(`  export OPENAI_BASE_URL=${url}/v1`, `  export OPENAI_API_KEY=${firstKey}`);
  } else {
    lines.push("", "Make a client key with: CODEWISE_ADMIN_KEY=… npm run keys -- create --name my-app");
  }
  if (!(await runtime.database.isReachable())) {
    lines.push("", "The database is not reachable now; only keys seen before work until it is back.");
  }
  const onlyAgents = runtime.registry.list().every(({ type }) => AGENT_TYPES.has(type));
  if (onlyAgents && runtime.env.AGENT_SECRET === undefined) {
    lines.push(
      "",
      "Nobody answers yet. Set ANTHROPIC_API_KEY or OPENAI_API_KEY and start again; or, on a machine that has claude, codex or",
    );
    lines.push(`gemini and this repository: npm run agent -- login --url ${url}`);
    lines.push("To see it answer without any of them: npm run demo");
  }
  process.stdout.write(`${lines.join("\n")}\n\n`);
}

async function firstKeyOf(runtime: Runtime): Promise<string | undefined> {
  // The ready key is a help for the first minutes on one's own machine; on a shared database keys are made on purpose.
  if (runtime.database.kind !== "embedded") return undefined;
  try {
    return (await ensureFirstKey(runtime.keyStore))?.key;
  } catch (error) {
    runtime.logger.warn({ error }, "no first client key could be made");
    return undefined;
  }
}
