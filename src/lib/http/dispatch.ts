import type { Logger } from "../telemetry/logger.ts";
import type { HttpContext } from "./context.ts";
import { GatewayError, toGatewayError } from "./errors.ts";
import { sendError } from "./respond.ts";
import type { RouteMatch } from "./router.ts";

const DISCARD_TIMEOUT_MS = 2000;
const DONE = Promise.resolve();

/**
 * Makes the function that serves any data-plane request: finds its route, runs the handler and renders what it throws.
 * It never rejects.
 */
export function createDispatcher(
  router: (method: string, path: string) => RouteMatch,
  logger: Logger,
): (context: HttpContext) => Promise<void> {
  const fail = (context: HttpContext, thrown: unknown): void => {
    const error = toGatewayError(thrown);
    if (!(thrown instanceof GatewayError)) {
      logger.error({ requestId: context.requestId, path: context.path, error: thrown }, "a handler failed");
    }
    answerError(context, error);
  };
  return (context) => {
    try {
      const { handler, params } = router(context.request.method ?? "GET", context.path);
      context.params = params;
      return handler(context).catch((thrown: unknown) => fail(context, thrown));
    } catch (thrown) {
      fail(context, thrown);
      return DONE;
    }
  };
}

function answerError(context: HttpContext, error: GatewayError): void {
  const { request, response } = context;
  if (context.clientGone) {
    response.destroy();
    return;
  }
  // An answer to a body that was not read in full: the client is still sending, so the connection cannot be used again,
  // and what is on its way is read and thrown away for a moment, or the client would see a reset instead of the answer.
  if (!response.headersSent && !isComplete(request)) {
    // A worker closes its own client's connection, and would lose an answer to a connection that is closed under it.
    if (context.relayed === undefined) response.setHeader("connection", "close");
    request.on("data", () => undefined);
    request.resume();
    setTimeout(() => request.destroy(), DISCARD_TIMEOUT_MS).unref();
  }
  sendError(response, error);
}

function isComplete(request: HttpContext["request"]): boolean {
  return "complete" in request && request.complete === true;
}
