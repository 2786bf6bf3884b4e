import { CodewiseAgent } from "../agent.ts";
import type { Environment, LoadedConfig } from "../config.ts";
import { resolveCredential } from "../credentials/resolve-credential.ts";
import { createExecutor } from "../executor.ts";
import { createProxyClient } from "../http-client.ts";
import { createLogger } from "../logger.ts";
import { installSignalHandlers } from "../signals.ts";
import { spoolFolder } from "../spool/spool-folder.ts";
import { Spool } from "../spool/spool.ts";
import { createDisplay, type Display } from "../terminal.ts";
import { sleep } from "../timing.ts";
import { AGENT_VERSION } from "../version.ts";

/** Serves until drained or refused for good. Answers the exit code. */
export async function runAgent(loaded: LoadedConfig, env: Environment): Promise<number> {
  const { config, warnings } = loaded;
  const { secret, agentId, source } = resolveCredential(loaded, env);
  const now = (): number => performance.now();
  const logger = createLogger(config.logLevel, (entry) => display.log(entry));
  const executor = createExecutor(config, env);
  const folder = spoolFolder(config.spoolDir, env);
  const spool = folder === undefined ? undefined : new Spool({ folder, url: config.url, agentId, logger });
  const agent = new CodewiseAgent({
    client: createProxyClient({ url: config.url, secret, agentId, instance: spool?.instance }),
    spool,
    executor,
    logger,
    maxConcurrency: config.maxConcurrency,
    drainTimeoutMs: config.drainTimeout * 1000,
    sleep,
    random: Math.random,
    now,
    onChange: () => display.refresh(),
  });
  const display: Display = createDisplay({
    output: process.stderr,
    view: () => agent.view(),
    now,
    colour: env["NO_COLOR"] === undefined || env["NO_COLOR"] === "",
  });
  const signals = installSignalHandlers({ executor, logger, onDrain: (reason) => agent.drain(reason) });
  for (const warning of warnings) logger.warn(warning);
  logger.info("starting", { version: AGENT_VERSION, agentId, url: config.url, credential: source });
  const end = await agent.run();
  display.close();
  const forcedExitCode = signals.forcedExitCode();
  if (forcedExitCode !== undefined) return forcedExitCode;
  signals.remove();
  if (end.message !== undefined) logger.error(end.message);
  else logger.info("stopped");
  return end.exitCode;
}
