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
 * 17 us through a logger with redaction (which copies what it is given) and 5.4 us through one without. Put together by
 * hand it takes a request that is served among others 3 us less than `JSON.stringify` of an object with these fields.
 */
export function createRequestLog(destination: DestinationStream): RequestLog {
  const timeOf = createTimeFormat();
  return (end) => {
    if (end.kept) destination.write(render(timeOf(Date.now()), end));
  };
}

/** Texts that stand in JSON as they are; all of ours are, but for models and such of other makers. */
const PLAIN = /^[\w.:/-]*$/;

/** The line's fields in their order; what is undefined is left out, as `JSON.stringify` does. */
function render(time: string, { record, overheadMs, finishReason, sdkRetryCount }: RequestEnd): string {
  const firstTokenMs = record.firstTokenMs === null ? null : round(record.firstTokenMs);
  return (
    `{"level":"info","time":"${time}","requestId":${quote(record.id)},"keyId":${quote(record.keyId)}` +
    `,"model":${quote(record.requestedModel)},"servedModel":${quote(record.servedModel)}` +
    `,"provider":${quote(record.provider)},"agentId":${quote(record.agentId)}` +
    `,"status":${record.status},"code":${quote(record.errorCode)}` +
    (finishReason === undefined ? "" : `,"finishReason":${quote(finishReason)}`) +
    `,"promptTokens":${record.promptTokens},"completionTokens":${record.completionTokens}` +
    `,"cachedTokens":${record.cachedTokens},"reasoningTokens":${record.reasoningTokens}` +
    `,"firstTokenMs":${firstTokenMs},"totalMs":${round(record.totalMs)},"overheadMs":${round(overheadMs)}` +
    `,"attempts":${record.attempts},"streamed":${record.streamed},"clientGone":${record.clientGone}` +
    `${sdkRetryCount === undefined ? "" : `,"sdkRetryCount":${sdkRetryCount}`},"msg":"request"}\n`
  );
}

function quote(text: string | null): string {
  if (text === null) return "null";
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
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
