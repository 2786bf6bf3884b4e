import { randomUUID } from "node:crypto";
import type { HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";

export interface LoopGuard {
  /** What makes this proxy another than all others; its processes share it. */
  readonly id: string;
  /** The `Via` entry (RFC 9110, 7.6.3) that every request of this proxy to an upstream carries. */
  readonly via: string;
  /** Wraps a handler: a request that went through this proxy before is refused with `loop_detected` (508). */
  readonly guard: (handler: HttpHandler) => HttpHandler;
}

/** Keeps a proxy that was made its own provider, directly or through others, from asking itself without end. */
export function createLoopGuard(id: string = randomUUID()): LoopGuard {
  const pseudonym = `codewise-${id}`;
  return {
    id,
    via: `1.1 ${pseudonym}`,
    guard: (handler) => (context) => {
      const via = context.request.headers["via"];
      if (via !== undefined && via.includes(pseudonym)) {
        throw new GatewayError("loop_detected", "This proxy is set up as its own provider.");
      }
      return handler(context);
    },
  };
}
