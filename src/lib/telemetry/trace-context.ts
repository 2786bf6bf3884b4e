import type { IncomingHttpHeaders } from "node:http";

/** The W3C headers (www.w3.org/TR/trace-context) that carry a trace on, fit to be spread into a request's headers. */
export type TraceContext =
  | { readonly traceparent: string }
  | { readonly traceparent: string; readonly tracestate: string };

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** As much as the standard asks everyone to carry on. */
const MAX_TRACESTATE_LENGTH = 512;
const TRACESTATE = /^[\x20-\x7e]+$/;

/** The client's trace, or undefined where it has none or its `traceparent` is not valid; a bad `tracestate` is left behind. */
export function readTraceContext(headers: IncomingHttpHeaders): TraceContext | undefined {
  const traceparent = headers["traceparent"];
  if (typeof traceparent !== "string" || !TRACEPARENT.test(traceparent)) return undefined;
  const tracestate = headers["tracestate"];
  if (typeof tracestate !== "string" || tracestate.length > MAX_TRACESTATE_LENGTH || !TRACESTATE.test(tracestate)) {
    return { traceparent };
  }
  return { traceparent, tracestate };
}
