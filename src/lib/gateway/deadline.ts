import { GatewayError } from "../http/errors.ts";

export interface Deadline {
  readonly signal: AbortSignal;
  clear(): void;
}

/**
 * A signal that aborts with the first of `sources` that aborts (the client's disconnect, the proxy's end), or with
 * `deadline_exceeded` after `totalMs`. Clear it when the request ends.
 */
export function startDeadline(sources: readonly AbortSignal[], totalMs: number): Deadline {
  const controller = new AbortController();
  const onAbort = (event: Event): void => controller.abort((event.target as AbortSignal).reason);
  for (const source of sources) {
    if (source.aborted) controller.abort(source.reason);
    else source.addEventListener("abort", onAbort, { once: true });
  }
  const timer = setTimeout(() => {
    controller.abort(new GatewayError("deadline_exceeded", `The request took longer than ${totalMs} ms.`));
  }, totalMs).unref();
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      for (const source of sources) source.removeEventListener("abort", onAbort);
    },
  };
}
