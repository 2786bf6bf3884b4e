import type { Env } from "./env.ts";
import { createResilience, type Resilience } from "./gateway/resilience.ts";
import { traceProvider } from "./gateway/trace-provider.ts";
import type { LLMProvider } from "./providers/types.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Tracing } from "./telemetry/request-telemetry.ts";

/** Retries and circuit breakers of a process, as the environment sets them; what they do is logged. */
export function createProcessResilience(env: Env, logger: Logger): Resilience {
  return createResilience({
    retryWaitMaxMs: env.RETRY_WAIT_MAX_MS,
    circuitCooldownMs: env.CIRCUIT_COOLDOWN_MS,
    onTransition: ({ target, from, to }) => logger.warn({ ...target, from, to }, "a circuit breaker changed its state"),
    onRetry: ({ target, code, waitMs }) => logger.debug({ ...target, code, waitMs }, "a target is asked again"),
  });
}

/** The providers with a span for each attempt; as they are while nothing is traced. */
export function traceProviders(
  providers: readonly LLMProvider[],
  env: Env,
  tracing: Tracing | undefined,
): readonly LLMProvider[] {
  if (tracing === undefined) return providers;
  const baseUrls: Readonly<Record<string, string>> = {
    openai: env.OPENAI_BASE_URL,
    "claude-api": env.ANTHROPIC_BASE_URL,
  };
  return providers.map((provider) => traceProvider(provider, tracing, baseUrls[provider.id]));
}
