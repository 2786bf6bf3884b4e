import { z } from "zod";
import { postAnswerSchema } from "../../../src/lib/agent/types.ts";
import type { CliName } from "../../../src/lib/cli/model-names.ts";
import type { CliExecutor, CliReadiness } from "../../../src/lib/cli/types.ts";
import { ConfigError, type Environment, type LoadedConfig } from "../config.ts";
import { resolveCredential, type Credential } from "../credentials/resolve-credential.ts";
import { createExecutors } from "../executors.ts";
import { EXIT } from "../exit-codes.ts";
import type { HttpAnswer } from "../exchange.ts";
import { createProxyClient, describeFailure, parseJson, type ProxyClient } from "../http-client.ts";
import { printable } from "../logger.ts";

export interface Check {
  readonly name: "server" | "secret" | "cli";
  readonly ok: boolean;
  /** Set where the agent can serve as it is, though something does not work. */
  readonly warning?: true;
  /** What was found; where it is not ok, or a warning, also what to mend. */
  readonly detail: string;
}

/** What `GET /healthz` of a Codewise proxy says. */
const healthSchema = z.looseObject({ service: z.literal("codewise") });
const CHECK_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Checks the way to the proxy, the credential where there is one, and the CLIs; prints one line each, and answers the exit code. */
export async function runDoctor(
  loaded: LoadedConfig,
  env: Environment,
  options: { readonly json: boolean },
): Promise<number> {
  const { config, warnings } = loaded;
  const found = findCredential(loaded, env);
  const { secret, agentId } = "problem" in found ? { secret: undefined, agentId: config.agentId } : found;
  const clis = { executors: createExecutors(config, env), required: loaded.requiredClis };
  // Under the agent's own id, which a token is bound to; the client is an instance of its own, so that one that runs is not
  // disturbed.
  const client = createProxyClient({ url: config.url, secret, agentId });
  const checks = await runChecks(client, clis, { url: config.url, credential: found });
  await client.close();
  const ok = checks.every((check) => check.ok);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, checks, warnings })}\n`);
  else process.stdout.write(formatReport(checks, warnings));
  return ok ? EXIT.ok : EXIT.failure;
}

/** Where the proxy is, and where what the agent proves itself by was found, or why it was not. */
interface Origin {
  readonly url: string;
  readonly credential: { readonly source: string } | { readonly problem: string };
}

/** The CLIs to look for, and which of them must be there. */
interface LookedFor {
  readonly executors: readonly CliExecutor[];
  readonly required: readonly CliName[];
}

/** Without one there is still a server and CLIs to check. */
function findCredential(loaded: LoadedConfig, env: Environment): Credential | { readonly problem: string } {
  try {
    return resolveCredential(loaded, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problem: error.message };
  }
}

/** All checks, in order. Never rejects. The CLIs are ended after it. */
export async function runChecks(client: ProxyClient, clis: LookedFor, from: Origin): Promise<readonly Check[]> {
  const ofClis = checkClis(clis);
  const server = await checkServer(client, from.url);
  return [server, await checkCredential(client, from, server.ok), ...(await ofClis)];
}

/** One line for each check and warning. */
export function formatReport(checks: readonly Check[], warnings: readonly string[]): string {
  const lines = checks.map((check) => `${markOf(check)}  ${check.name.padEnd(6)}  ${printable(check.detail)}`);
  return [...lines, ...warnings.map((warning) => `warn          ${printable(warning)}`), ""].join("\n");
}

function markOf({ ok, warning }: Check): string {
  if (!ok) return "FAIL";
  return warning === true ? "warn" : "ok  ";
}

async function checkServer(client: ProxyClient, url: string): Promise<Check> {
  const startedAt = performance.now();
  const answer = await attempt(client, { method: "GET", path: "/healthz" });
  if (typeof answer === "string") {
    return {
      name: "server",
      ok: false,
      detail: `${url} does not answer (${answer}): check --url, and that the proxy runs`,
    };
  }
  if (answer.status >= 300 && answer.status < 400) {
    const target = String(answer.headers["location"] ?? "another address").slice(0, 200);
    return { name: "server", ok: false, detail: `${url} redirects to ${target}: give that address as --url` };
  }
  if (answer.status !== 200) {
    const detail = `${url}/healthz answered ${answer.status}: is it the address of a Codewise proxy?`;
    return { name: "server", ok: false, detail };
  }
  const health = healthSchema.safeParse(parseJson(answer.text));
  if (!health.success) return { name: "server", ok: false, detail: `${url} is not a Codewise proxy: check --url` };
  const elapsedMs = Math.round(performance.now() - startedAt);
  return { name: "server", ok: true, detail: `${url} answers in ${elapsedMs} ms` };
}

async function checkCredential(client: ProxyClient, { credential }: Origin, isServerThere: boolean): Promise<Check> {
  if ("problem" in credential) return { name: "secret", ok: false, detail: credential.problem };
  if (isServerThere) return await checkSecret(client, credential.source);
  return { name: "secret", ok: false, detail: "not checked, since the server was not reached" };
}

/** A heartbeat of an agent that is not connected changes nothing at the proxy; only a wrong secret is answered 401. */
async function checkSecret(client: ProxyClient, source: string): Promise<Check> {
  const body = JSON.stringify({ type: "heartbeat" });
  const answer = await attempt(client, { method: "POST", path: "/api/agent/response", body });
  if (typeof answer === "string") return { name: "secret", ok: false, detail: `not checked (${answer})` };
  if (answer.status === 401 || answer.status === 403) {
    const detail = client.hasToken
      ? `the token of ${source} was refused: log in again with codewise-agent login`
      : `refused (given by ${source}): it must equal AGENT_SECRET of the proxy`;
    return { name: "secret", ok: false, detail };
  }
  if (answer.status === 200 || (answer.status === 404 && postAnswerSchema.safeParse(parseJson(answer.text)).success)) {
    return { name: "secret", ok: true, detail: `accepted (from ${source})` };
  }
  const detail = `the proxy answered ${answer.status}: is it a Codewise proxy?`;
  return { name: "secret", ok: false, detail };
}

/** A line for each CLI. Of those that need not be there one that is ready is enough, and what is not installed is left out. */
async function checkClis({ executors, required }: LookedFor): Promise<readonly Check[]> {
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const found = await Promise.all(executors.map((executor) => probeOnce(executor, signal)));
  const isOneReady = found.some(({ ready }) => ready);
  const isRequired = ({ name }: CliReadiness): boolean => required.some((one) => one === name);
  const shown = isOneReady ? found.filter((cli) => cli.version !== null || isRequired(cli)) : found;
  return shown.map((cli): Check => {
    const name = cli.version === null ? cli.name : `${cli.name} ${cli.version}`;
    const detail = cli.ready ? `${name} is ready` : `${name}: ${cli.reason ?? "not ready"}`;
    if (!cli.ready && isOneReady && !isRequired(cli)) return { name: "cli", ok: true, warning: true, detail };
    return { name: "cli", ok: cli.ready, detail };
  });
}

/** Leaves no process and no folder behind. */
async function probeOnce(executor: CliExecutor, signal: AbortSignal): Promise<CliReadiness> {
  try {
    return await executor.probe(signal);
  } finally {
    await executor.killAll();
  }
}

type Probe = { readonly method: "GET" | "POST"; readonly path: string; readonly body?: string };

/** The answer, or in words why there is none. */
async function attempt(client: ProxyClient, probe: Probe): Promise<HttpAnswer | string> {
  try {
    const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    return await client.exchange({ ...probe, signal, maxBytes: MAX_ANSWER_BYTES });
  } catch (error) {
    return describeFailure(error);
  }
}
