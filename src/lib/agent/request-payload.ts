import type { CallTimeouts } from "../providers/types.ts";
import { PROTOCOL_LIMITS, type AgentRequest } from "./types.ts";

export interface RequestPayloadOptions {
  readonly requestId: string;
  readonly attempt: number;
  readonly model: string;
  readonly stream: boolean;
  readonly timeouts: Pick<CallTimeouts, "firstOutputMs" | "idleMs">;
  /** What remains of the whole request's time, in milliseconds. */
  readonly remainingMs: number;
  /** The OpenAI request as JSON. */
  readonly body: Buffer;
  readonly traceparent?: string | undefined;
}

/** The path under which an agent fetches the body of a request that was sent by reference. */
export function requestInputUrl(requestId: string): string {
  return `/api/agent/requests/${encodeURIComponent(requestId)}/input`;
}

/**
 * The `data:` of a `request` event as JSON text. The body goes inline, or by `inputUrl` when the text would be
 * larger than `maxInlineRequestBytes`. The body is spliced in as text, so that it is not serialised again.
 */
export function requestPayload(options: RequestPayloadOptions): string {
  const head = {
    requestId: options.requestId,
    attempt: options.attempt,
    model: options.model,
    stream: options.stream,
    firstEventTimeoutMs: wholeMs(options.timeouts.firstOutputMs),
    idleTimeoutMs: wholeMs(options.timeouts.idleMs),
    deadlineMs: wholeMs(options.remainingMs),
    ...(options.traceparent !== undefined && { traceparent: options.traceparent }),
  } satisfies AgentRequest;
  if (options.body.length > PROTOCOL_LIMITS.maxInlineRequestBytes) {
    return JSON.stringify({ ...head, inputUrl: requestInputUrl(options.requestId) });
  }
  return `${JSON.stringify(head).slice(0, -1)},"body":${options.body.toString("utf8")}}`;
}

function wholeMs(duration: number): number {
  return Math.max(1, Math.ceil(duration));
}
