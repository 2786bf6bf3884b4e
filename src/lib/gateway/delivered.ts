import type { HttpContext, HttpResponse } from "../http/context.ts";
import { toGatewayError, withUsage } from "../http/errors.ts";
import type { Usage } from "../openai/usage.ts";

/** What is needed of a context to follow an answer that was ended. */
export interface EndedAnswer extends Pick<HttpContext, "signal" | "clientGone"> {
  readonly response: Pick<HttpResponse, "writableFinished" | "once" | "off" | "destroy">;
}

/**
 * Resolves once the client's socket has taken the whole of an answer that was ended: at once for nearly all. Rejects with
 * why it never will (the client closed, was too slow, or the time of the request is over), and with what the answer used;
 * the connection is closed then.
 */
export async function delivered(context: EndedAnswer, usage: Usage | undefined): Promise<void> {
  const { response, signal } = context;
  if (response.writableFinished) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      response.off("finish", settle);
      response.off("close", settle);
      signal.removeEventListener("abort", settle);
      if (response.writableFinished) return resolve();
      if (!context.clientGone) response.destroy();
      reject(withUsage(toGatewayError(signal.reason), usage));
    };
    response.once("finish", settle);
    response.once("close", settle);
    signal.addEventListener("abort", settle, { once: true });
    if (signal.aborted) settle();
  });
}
