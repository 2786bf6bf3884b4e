import type { HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";

/** Counts model calls from their arrival, and turns new ones away once the proxy drains. */
export interface CallGate {
  /** Calls that have arrived and not ended, those included whose body is still coming in. */
  active(): number;
  accepting(): boolean;
  /** From now on new calls are refused. */
  close(): void;
  /** Aborts, with the reason, when running calls are to end at once. */
  readonly ended: AbortSignal;
  end(): void;
  /** Wraps the handler of the calls that count. */
  guard(handler: HttpHandler): HttpHandler;
}

export function createCallGate(): CallGate {
  const end = new AbortController();
  let active = 0;
  let accepting = true;
  return {
    active: () => active,
    accepting: () => accepting,
    close: () => {
      accepting = false;
    },
    ended: end.signal,
    end: () => end.abort(new GatewayError("shutting_down", "The proxy is shutting down.")),
    guard: (handler) => async (context) => {
      active += 1;
      try {
        await handler(context);
      } finally {
        active -= 1;
      }
    },
  };
}
