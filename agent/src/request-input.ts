/** The body of one request: given inline or fetched, then checked. */
import type { AgentRequest } from "../../src/lib/agent/types.ts";
import { GatewayError } from "../../src/lib/http/errors.ts";
import { chatRequestSchema, type ChatRequest } from "../../src/lib/openai/chat.ts";
import type { HttpAnswer } from "./exchange.ts";
import { describeFailure, parseJson, type ProxyClient } from "./http-client.ts";
import { fullJitter, type Random, type Sleep } from "./timing.ts";

/** Above the largest body that a proxy takes by default. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 4;
/** Node's timers take no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const BACKOFF = { baseMs: 250, maximumMs: 2000 };

export interface InputSource {
  readonly client: ProxyClient;
  readonly sleep: Sleep;
  readonly random: Random;
}

/** Reads and validates the chat request. Rejects with GatewayError, with the signal's reason when it
 * aborts, and with a TimeoutError when the request's deadline passes. */
export async function readRequestInput(
  request: AgentRequest,
  source: InputSource,
  signal: AbortSignal,
): Promise<ChatRequest> {
  const body =
    request.inputUrl === undefined ? request.body : await fetchInput(request, request.inputUrl, source, signal);
  const parsed = chatRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const param = issue?.path.join(".") ?? "";
  throw new GatewayError(
    "invalid_value",
    `The agent cannot read the request: ${param} ${issue?.message ?? ""}`.trim(),
    {
      param: param === "" ? null : param,
    },
  );
}

async function fetchInput(
  request: AgentRequest,
  path: string,
  source: InputSource,
  cancelled: AbortSignal,
): Promise<unknown> {
  const signal = AbortSignal.any([cancelled, AbortSignal.timeout(Math.min(request.deadlineMs, MAX_TIMER_MS))]);
  for (let attempt = 1; ; attempt += 1) {
    const failure = await tryFetch(path, source.client, signal);
    if (failure.kind === "read") return failure.value;
    signal.throwIfAborted();
    if (!failure.isTransient || attempt === ATTEMPTS) {
      throw new GatewayError("agent_protocol_error", `The agent could not fetch the request: ${failure.reason}.`);
    }
    await source.sleep(fullJitter(BACKOFF, attempt - 1, source.random), signal);
    signal.throwIfAborted();
  }
}

type FetchResult =
  | { readonly kind: "read"; readonly value: unknown }
  | { readonly kind: "failed"; readonly isTransient: boolean; readonly reason: string };

async function tryFetch(path: string, client: ProxyClient, signal: AbortSignal): Promise<FetchResult> {
  let answer: HttpAnswer;
  try {
    answer = await client.exchange({ method: "GET", path, signal, maxBytes: MAX_INPUT_BYTES });
  } catch (error) {
    return { kind: "failed", isTransient: true, reason: describeFailure(error) };
  }
  if (answer.status !== 200) {
    return { kind: "failed", isTransient: answer.status >= 500, reason: `the proxy answered ${answer.status}` };
  }
  const value = parseJson(answer.text);
  if (value === undefined) return { kind: "failed", isTransient: false, reason: "the answer is not JSON" };
  return { kind: "read", value };
}
