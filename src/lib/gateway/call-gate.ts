import { Roster, type Seat } from "../collections/roster.ts";
import type { HttpContext } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";

export type ActiveCall = Pick<HttpContext, "abort">;

/** Counts model calls from their arrival, and turns new ones away once the proxy drains. */
export interface CallGate {
  /** Calls that have arrived and not ended, those included whose body is still coming in. */
  active(): number;
  accepting(): boolean;
  /** From now on new calls are refused. */
  close(): void;
  /** Ends the calls that still run, with `shutting_down`. */
  end(): void;
  /** Counts a call until it leaves. */
  enter(call: ActiveCall): Seat<ActiveCall>;
  leave(seat: Seat<ActiveCall>): void;
}

export function createCallGate(): CallGate {
  const active = new Roster<ActiveCall>();
  let accepting = true;
  return {
    active: () => active.size,
    accepting: () => accepting,
    close: () => {
      accepting = false;
    },
    end: () => {
      for (const call of active.items()) call.abort(new GatewayError("shutting_down", "The proxy is shutting down."));
    },
    enter: (call) => active.add(call),
    leave: (seat) => active.remove(seat),
  };
}
