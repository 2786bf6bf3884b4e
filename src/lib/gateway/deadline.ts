import { GatewayError } from "../http/errors.ts";

export interface Deadline {
  readonly signal: AbortSignal;
  clear(): void;
}

/** A signal that aborts with the client's own abort, or with `deadline_exceeded` after `totalMs`. Clear it when the request ends. */
export function startDeadline(client: AbortSignal, totalMs: number): Deadline {
  const controller = new AbortController();
  const onClientAbort = (): void => controller.abort(client.reason);
  if (client.aborted) onClientAbort();
  else client.addEventListener("abort", onClientAbort, { once: true });
  const timer = setTimeout(() => {
    controller.abort(new GatewayError("deadline_exceeded", `The request took longer than ${totalMs} ms.`));
  }, totalMs).unref();
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      client.removeEventListener("abort", onClientAbort);
    },
  };
}
