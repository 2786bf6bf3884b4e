import { GatewayError, toGatewayError } from "../http/errors.ts";
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
  for (const target of targets) {
    const provider = registry.get(target.providerId);
    if (provider === undefined) continue;
    try {
      return await options.run(provider, target);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (signal.aborted) throw signal.reason instanceof GatewayError ? signal.reason : error;
      if (options.delivered() || !error.failover) throw error;
      onlyUnknownModel &&= error.code === "upstream_model_not_found";
      lastError = error;
      logger.warn(
        { requestId: context.requestId, provider: target.providerId, code: error.code, reason: error.message },
        "target failed before its first output",
      );
    }
  }
  if (lastError === undefined) throw new GatewayError("no_provider_available", "No provider is available now.");
  if (!onlyUnknownModel) throw lastError;
  throw new GatewayError("model_not_found", "The model does not exist at any provider that could serve it.", {
    param: "model",
    cause: lastError,
  });
}
