import type { HttpContext, HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";

/** Counts model calls from their arrival, and turns new ones away once the proxy drains. */
export interface CallGate {
  /** Calls that have arrived and not ended, those included whose body is still coming in. */
  active(): number;
  accepting(): boolean;
  /** From now on new calls are refused. */
  close(): void;
  /** Ends the calls that still run, with `shutting_down`. */
  end(): void;
  /** Wraps the handler of the calls that count. */
  guard(handler: HttpHandler): HttpHandler;
}

export function createCallGate(): CallGate {
  const active = new Set<Pick<HttpContext, "abort">>();
  let accepting = true;
  return {
    active: () => active.size,
    accepting: () => accepting,
    close: () => {
      accepting = false;
    },
    end: () => {
      for (const call of active) call.abort(new GatewayError("shutting_down", "The proxy is shutting down."));
    },
    guard: (handler) => async (context) => {
      active.add(context);
      try {
        await handler(context);
      } finally {
        active.delete(context);
      }
    },
  };
}
