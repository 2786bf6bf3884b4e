import { changeError, GatewayError, toGatewayError } from "../http/errors.ts";
import type { LLMProvider } from "../providers/types.ts";
import type { Exchange } from "./exchange.ts";
import type { Target } from "./resolve-targets.ts";

export interface AttemptOptions<Result> {
  readonly exchange: Pick<Exchange, "targets" | "registry" | "signal" | "logger" | "context">;
  readonly run: (provider: LLMProvider, target: Target) => Promise<Result>;
  /** Whether output has reached the client: from then on a failure is final. */
  readonly delivered: () => boolean;
}

/**
 * Tries the targets in order. A failure that may be repeated elsewhere, before the first output, gives way to the next
 * target; any other failure, and the last one, is thrown. When every target said that it does not know the model, the
 * client gets 404 `model_not_found`.
 */
export async function attemptTargets<Result>(options: AttemptOptions<Result>): Promise<Result> {
  const { targets, registry, signal, logger, context } = options.exchange;
  let lastError: GatewayError | undefined;
  let onlyUnknownModel = true;
  let attempts = 0;
  for (const target of targets) {
    const provider = registry.get(target.providerId);
    if (provider === undefined) continue;
    attempts += 1;
    // Also said where the answer becomes an error, or where a comment frame goes out before the first output.
    if (!context.response.headersSent) context.response.setHeader("x-codewise-provider", provider.id);
    try {
      return await options.run(provider, target);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (signal.aborted) throw abortedError(signal, error);
      if (options.delivered() || !error.failover) throw error;
      onlyUnknownModel &&= error.code === "upstream_model_not_found";
      lastError = error;
      logger.warn(
        // Not the message: an upstream's words may quote the prompt.
        { requestId: context.requestId, provider: target.providerId, code: error.code, status: error.status },
        "target failed before its first output",
      );
    }
  }
  if (lastError === undefined) throw new GatewayError("no_provider_available", "No provider is available now.");
  // The proxy has tried again itself: the SDKs' own retries would multiply its attempts.
  if (!onlyUnknownModel) throw attempts > 1 ? changeError(lastError, { shouldRetry: false }) : lastError;
  throw new GatewayError("model_not_found", "The model does not exist at any provider that could serve it.", {
    param: "model",
    cause: lastError,
  });
}

/** Why a request was aborted, with what it had used. */
function abortedError(signal: AbortSignal, error: GatewayError): GatewayError {
  return signal.reason instanceof GatewayError ? changeError(signal.reason, { usage: error.usage }) : error;
}
