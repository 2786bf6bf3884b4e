import { changeError, toGatewayError, type GatewayError } from "../http/errors.ts";
import type { Usage } from "../openai/usage.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Resolves once the client's socket has taken the whole of an answer that was ended: at once for nearly all. Rejects with
 * why it never will (the client closed, was too slow, or the time of the request is over), and with what the answer used.
 */
export async function delivered(
  { context, signal }: Pick<Exchange, "context" | "signal">,
  usage: Usage | undefined,
): Promise<void> {
  const { response } = context;
  if (response.writableFinished) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      response.off("finish", settle);
      response.off("close", settle);
      signal.removeEventListener("abort", settle);
      if (response.writableFinished) return resolve();
      const reason = signal.aborted ? signal.reason : context.signal.reason;
      if (!context.signal.aborted) response.destroy();
      reject(withUsage(toGatewayError(reason), usage));
    };
    response.once("finish", settle);
    response.once("close", settle);
    signal.addEventListener("abort", settle, { once: true });
    if (signal.aborted) settle();
  });
}

function withUsage(error: GatewayError, usage: Usage | undefined): GatewayError {
  return usage === undefined ? error : changeError(error, { usage });
}
