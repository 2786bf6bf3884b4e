import type { z } from "zod";
import { loginAnswerSchema, pollAnswerSchema, type LoginAnswer } from "../../../src/lib/agent/types-login.ts";
import type { Environment, LoadedConfig } from "../config.ts";
import { credentialsPath, prepareFolder, readCredential, writeCredential } from "../credentials/credentials-file.ts";
import type { HttpAnswer } from "../exchange.ts";
import { EXIT } from "../exit-codes.ts";
import { createProxyClient, describeFailure, parseJson, retryAfterMs, type ProxyClient } from "../http-client.ts";
import { printable } from "../logger.ts";
import { sleep } from "../timing.ts";
import { AGENT_VERSION } from "../version.ts";
import { endToken } from "./logout.ts";

const REQUEST_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Asking more seldom than this would make the owner wait for nothing. */
const MAX_INTERVAL_MS = 30_000;
/** Where the operator's commands look for the proxy unless they are told. */
const OPERATOR_DEFAULT_URLS: ReadonlySet<string> = new Set(["http://127.0.0.1:3000", "http://localhost:3000"]);

/** What is said to the owner, one line each; never the device code or the token. */
type Say = (line: string) => void;

/** Asks the proxy for a token, shows the code to approve, waits for the approval and keeps the token. Answers the exit code. */
export async function runLogin({ config, warnings }: LoadedConfig, env: Environment): Promise<number> {
  const { url, agentId } = config;
  const path = credentialsPath(env);
  const earlier = readCredential(path, url);
  // What would keep the token from being stored is found out before somebody approves it.
  prepareFolder(path);
  const client = createProxyClient({ url, agentId });
  const say: Say = (line) => void process.stdout.write(`${line}\n`);
  for (const warning of warnings) say(`Note: ${warning}.`);
  try {
    const begun = await begin(client, agentId);
    for (const line of describeApproval(begun, url)) say(line);
    const approved = await waitForApproval(client, begun);
    writeCredential(path, url, { agentId: approved.agentId, token: approved.token });
    const served = approved.share === "all" ? "all keys" : `the key "${printable(approved.owner)}" alone`;
    say(`Logged in at ${url} as ${printable(approved.agentId)}, to serve the requests of ${served}.`);
    say(`If that is not what you want: codewise-agent logout --url ${url}`);
    say(`Start the agent with: codewise-agent --url ${url}`);
    if (earlier !== undefined) await endToken(url, earlier).catch(() => undefined);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof LoginFailure)) throw error;
    process.stderr.write(`codewise-agent: ${error.message}\n`);
    return error.exitCode;
  } finally {
    await client.close();
  }
}

/** Why there is no token. */
class LoginFailure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failure) {
    super(message);
    this.exitCode = exitCode;
  }
}

async function begin(client: ProxyClient, agentId: string): Promise<LoginAnswer> {
  const platform = `${process.platform}-${process.arch}`;
  const answer = await post(client, "/api/agent/login", { agentId, version: AGENT_VERSION, platform }).catch(
    (error: unknown) => {
      throw new LoginFailure(`the proxy does not answer (${describeFailure(error)}): check --url, and that it runs`);
    },
  );
  if (answer.status === 429 || answer.status === 503) {
    const seconds = Math.ceil((retryAfterMs(answer.headers) ?? 60_000) / 1000);
    throw new LoginFailure(`the proxy takes no further logins now: try again in ${seconds} s`);
  }
  return read(answer, loginAnswerSchema);
}

/** Polls until the login is approved or over. A proxy that is away for a while does not end it. */
async function waitForApproval(client: ProxyClient, { deviceCode, expiresInMs, intervalMs }: LoginAnswer) {
  const deadline = performance.now() + expiresInMs;
  let waitMs = intervalMs;
  while (performance.now() < deadline) {
    await sleep(Math.min(waitMs, MAX_INTERVAL_MS), new AbortController().signal);
    const answer = await post(client, "/api/agent/login/poll", { deviceCode }).catch(() => undefined);
    waitMs = Math.max(intervalMs, (answer && retryAfterMs(answer.headers)) ?? 0);
    if (answer === undefined || answer.status === 429 || answer.status >= 500) continue;
    if (answer.status === 409) {
      throw new LoginFailure("an agent of another key has this id: log in under another --agent-id", EXIT.unauthorized);
    }
    if (answer.status === 410 || answer.status === 404) break;
    const poll = read(answer, pollAnswerSchema);
    if (poll.status === "approved") return poll;
  }
  throw new LoginFailure("the login was denied or has expired", EXIT.unauthorized);
}

/** How the login is approved: by whoever has a client key, which the shell has as the proxy's README says, or at the proxy. */
export function describeApproval(
  { userCode, expiresInMs }: Pick<LoginAnswer, "userCode" | "expiresInMs">,
  url: string,
): string[] {
  const operatorEnvironment = OPERATOR_DEFAULT_URLS.has(url) ? "" : `CODEWISE_URL=${shellWord(url)} `;
  return [
    `Code: ${userCode}`,
    `It is to be approved within ${Math.round(expiresInMs / 60_000)} minutes, either by the owner of a client key of ${url}:`,
    // By standard input: what stands on a command line can be read by every user of the machine.
    `  echo "Authorization: Bearer $OPENAI_API_KEY" | curl -X POST ${shellWord(`${url}/api/agent/login/approve`)} -H @- -d '{"userCode": "${userCode}"}'`,
    "or by the operator, where the proxy was installed:",
    `  ${operatorEnvironment}npm run agents -- approve ${userCode} --key key_…`,
    "Waiting for it…",
  ];
}

/** As one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9:/._~@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function post(client: ProxyClient, path: string, body: unknown): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  return client.exchange({ method: "POST", path, body: JSON.stringify(body), signal, maxBytes: MAX_ANSWER_BYTES });
}

function read<Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(answer.text));
  if (answer.status === 200 && parsed.success) return parsed.data;
  throw new LoginFailure(
    `the proxy answered ${answer.status}: is --url the address of a Codewise proxy that knows logins?`,
  );
}
