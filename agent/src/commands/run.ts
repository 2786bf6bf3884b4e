import { CodewiseAgent } from "../agent.ts";
import { createApprovalKeys } from "../approval-keys.ts";
import type { Environment, LoadedConfig } from "../config.ts";
import { resolveCredential } from "../credentials/resolve-credential.ts";
import { createExecutors } from "../executors.ts";
import { AlreadyRunningError, startControlServer } from "../control/control-server.ts";
import { createControlHandler } from "../control/control-handler.ts";
import { runningStatus } from "../control/running-status.ts";
import { agentPlaces } from "../control/agent-places.ts";
import { createProxyClient, describeFailure } from "../http-client.ts";
import { createLogger, printable, type AgentLogger } from "../logger.ts";
import { AgentPolicy } from "../policy/agent-policy.ts";
import { ApprovalDesk, type Question } from "../policy/approval-desk.ts";
import { createFileStore } from "../policy/policy-state.ts";
import { installSignalHandlers } from "../signals.ts";
import { spoolFolder } from "../spool/spool-folder.ts";
import { Spool } from "../spool/spool.ts";
import { stateFolder } from "../state-folder.ts";
import { createDisplay, type Display } from "../terminal.ts";
import { sleep } from "../timing.ts";
import { AGENT_VERSION } from "../version.ts";

/** For an owner who is not before the terminal: never the request's text. */
const logQuestion =
  (logger: AgentLogger) =>
  ({ number, requestId, model }: Question): void => {
    const answer = `codewise-agent approve ${number}, or deny ${number}`;
    logger.info("a request waits for approval", {
      number,
      requestId: printable(requestId),
      model: printable(model),
      answer,
    });
  };

/** Serves until drained or refused for good. Answers the exit code. */
export async function runAgent(loaded: LoadedConfig, env: Environment): Promise<number> {
  const { config } = loaded;
  const warnings = [...loaded.warnings];
  let warn = (problem: string): void => void warnings.push(problem);
  const { secret, agentId, source } = resolveCredential(loaded, env);
  const now = (): number => performance.now();
  const logger = createLogger(config.logLevel, (entry) => display.log(entry));
  const places = agentPlaces(stateFolder(env), { url: config.url, agentId });
  const policy = new AgentPolicy({
    rules: config,
    store: createFileStore(places.state, (problem) => warn(problem)),
    sleep,
    clock: Date.now,
    onChange: () => agent.policyChanged(),
  });
  const hasKeys = config.approve && process.stdin.isTTY && process.stderr.isTTY;
  const desk = new ApprovalDesk({
    timeoutMs: config.approveTimeout * 1000,
    clock: Date.now,
    onChange: () => {
      keys?.refresh();
      display.refresh();
    },
    onQuestion: hasKeys ? undefined : logQuestion(logger),
  });
  const folder = spoolFolder(config.spoolDir, env);
  const spool = folder === undefined ? undefined : new Spool({ folder, url: config.url, agentId, logger });
  const agent = new CodewiseAgent({
    client: createProxyClient({ url: config.url, secret, agentId, instance: spool?.instance }),
    spool,
    executors: createExecutors(config, env),
    requiredClis: loaded.requiredClis,
    logger,
    maxConcurrency: config.maxConcurrency,
    policy,
    ask: config.approve ? (request, chat, signal) => desk.ask(request, chat, signal) : undefined,
    drainTimeoutMs: config.drainTimeout * 1000,
    sleep,
    random: Math.random,
    now,
    onChange: () => display.refresh(),
  });
  const facts = { pid: process.pid, agentId, url: config.url, startedAt: Date.now() };
  const status = () => runningStatus(facts, agent.view(), policy.view(), desk.questions, now());
  // Not by process.kill, which on Windows ends the process without its handlers.
  const interrupt = (): void => void process.emit("SIGINT", "SIGINT");
  const keys = hasKeys ? createApprovalKeys(process.stdin, desk, interrupt, now) : undefined;
  const display: Display = createDisplay({
    output: process.stderr,
    status,
    clock: Date.now,
    now,
    colour: env["NO_COLOR"] === undefined || env["NO_COLOR"] === "",
    hasKeys,
  });
  const control = await startControlServer(places, createControlHandler(policy, desk, status)).catch(
    (error: unknown) => {
      if (error instanceof AlreadyRunningError) {
        spool?.close();
        throw error;
      }
      warn(`cannot be spoken to by commands such as status and pause (${describeFailure(error)})`);
      return undefined;
    },
  );
  const signals = installSignalHandlers({
    processes: agent.processes,
    logger,
    onDrain: (reason) => {
      agent.drain(reason);
      desk.close();
    },
  });
  for (const warning of warnings) logger.warn(warning);
  warn = logger.warn;
  logger.info("starting", { version: AGENT_VERSION, agentId, url: config.url, credential: source });
  const watch = new AbortController();
  const [end] = await Promise.all([agent.run().finally(() => watch.abort()), policy.run(watch.signal)]);
  await control?.close();
  keys?.close();
  display.close();
  const forcedExitCode = signals.forcedExitCode();
  if (forcedExitCode !== undefined) return forcedExitCode;
  signals.remove();
  if (end.message !== undefined) logger.error(end.message);
  else logger.info("stopped");
  return end.exitCode;
}
