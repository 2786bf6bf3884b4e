import type { DestinationStream } from "pino";
import type { RequestEnd } from "./request-end.ts";

/** Writes one line for each request that has ended. */
export type RequestLog = (end: RequestEnd) => void;

/**
 * One line of JSON for each request, `level: "info"` and `msg: "request"`: who asked which model, who answered, how it
 * ended, tokens and times. Neither prompts nor answers, headers or keys can be in it, since it is made from
 * {@link RequestEnd} alone.
 *
 * It has the form of pino's lines and goes to the same destination, but is made here: a line with these fields costs
 * 17 us through a logger with redaction (which copies what it is given), 5.4 us through one without, and 2 us this way.
 */
export function createRequestLog(destination: DestinationStream): RequestLog {
  const timeOf = createTimeFormat();
  return (end) => {
    if (end.kept) destination.write(`${JSON.stringify(describe(timeOf(Date.now()), end))}\n`);
  };
}

function describe(time: string, end: RequestEnd): Readonly<Record<string, unknown>> {
  const { record } = end;
  return {
    level: "info",
    time,
    requestId: record.id,
    keyId: record.keyId,
    model: record.requestedModel,
    servedModel: record.servedModel,
    provider: record.provider,
    agentId: record.agentId,
    status: record.status,
    code: record.errorCode,
    finishReason: end.finishReason,
    promptTokens: record.promptTokens,
    completionTokens: record.completionTokens,
    cachedTokens: record.cachedTokens,
    reasoningTokens: record.reasoningTokens,
    firstTokenMs: record.firstTokenMs === null ? null : round(record.firstTokenMs),
    totalMs: round(record.totalMs),
    overheadMs: round(end.overheadMs),
    attempts: record.attempts,
    streamed: record.streamed,
    clientGone: record.clientGone,
    sdkRetryCount: end.sdkRetryCount,
    msg: "request",
  };
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

/** ISO 8601 of milliseconds since the epoch; the part up to the second is kept, since `toISOString` takes a microsecond. */
function createTimeFormat(): (nowMs: number) => string {
  let second = Number.NaN;
  let prefix = "";
  return (nowMs) => {
    const now = Math.floor(nowMs / 1000);
    if (now !== second) {
      second = now;
      prefix = new Date(now * 1000).toISOString().slice(0, -4);
    }
    return `${prefix}${String(nowMs - now * 1000).padStart(3, "0")}Z`;
  };
}
