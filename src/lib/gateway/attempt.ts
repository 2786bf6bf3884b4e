import { changeError, GatewayError, toGatewayError } from "../http/errors.ts";
import type { LLMProvider } from "../providers/types.ts";
import { PASS, REFUSED, type Permit } from "./circuit-breaker.ts";
import type { Exchange } from "./exchange.ts";
import type { Target } from "./resolve-targets.ts";
import { whyFailed } from "./why-failed.ts";
import { countsAgainstTarget, isGuarded, mayAskAgain, planRetryWait } from "./retry-policy.ts";

export interface AttemptOptions<Result> {
  readonly exchange: Pick<
    Exchange,
    "targets" | "registry" | "signal" | "logger" | "context" | "timeouts" | "resilience"
  >;
  /** One attempt. It may call `answered` at the first output, so that a probe need not wait for the whole answer. */
  readonly run: (provider: LLMProvider, target: Target, answered: () => void) => Promise<Result>;
  /** Whether output has reached the client: from then on a failure is final. */
  readonly delivered: () => boolean;
}

/** A failure before the first output that gives way to another attempt. */
class Miss {
  readonly provider: LLMProvider;
  readonly target: Target;
  readonly error: GatewayError;

  constructor(provider: LLMProvider, target: Target, error: GatewayError) {
    this.provider = provider;
    this.target = target;
    this.error = error;
  }
}

/** What a request has behind it. */
interface Trail {
  attempts: number;
  lastTarget: Target | undefined;
  severalTargets: boolean;
}

const ignore = (): void => {};

/**
 * Tries the targets in order, without those whose circuit is open. A failure that may be repeated elsewhere, before the
 * first output, gives way to the next target; any other failure, and the last one, is thrown. When no target is left, the
 * last one whose fault may pass is asked once more, after a wait: failing over beats waiting, and no target is asked more
 * than twice.
 *
 * @throws GatewayError what failed last (at a target that knows the model, if any does); 503 `circuit_open` when every target that might serve was left out; 404
 * `model_not_found` when all said that they do not know the model; what the signal aborts with, at once, in a wait too.
 */
export async function attemptTargets<Result>(options: AttemptOptions<Result>): Promise<Result> {
  const { targets, registry, resilience } = options.exchange;
  const trail: Trail = { attempts: 0, lastTarget: undefined, severalTargets: false };
  let lastMiss: Miss | undefined;
  let passingMiss: Miss | undefined;
  let onlyUnknownModel = true;
  let nextProbeMs = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    const provider = registry.get(target.providerId);
    if (provider === undefined) continue;
    const permit = isGuarded(provider.type) ? resilience.health.enter(target) : PASS;
    if (permit === REFUSED) {
      nextProbeMs = Math.min(nextProbeMs, resilience.health.waitMs(target));
      continue;
    }
    const result = await ask(options, trail, provider, target, permit);
    if (!(result instanceof Miss)) return result;
    const isUnknownModel = result.error.code === "upstream_model_not_found";
    onlyUnknownModel &&= isUnknownModel;
    // That one target lacks the model says less than why another that has it failed.
    if (!isUnknownModel || lastMiss === undefined) lastMiss = result;
    if (isGuarded(provider.type) && mayAskAgain(result.error)) passingMiss = result;
  }
  if (passingMiss !== undefined) {
    const permit = await waitForRetry(options, passingMiss);
    if (permit !== REFUSED) {
      const result = await ask(options, trail, passingMiss.provider, passingMiss.target, permit);
      if (!(result instanceof Miss)) return result;
      lastMiss = result;
    }
  }
  if (nextProbeMs !== Number.POSITIVE_INFINITY && onlyUnknownModel) {
    // A wait of 0 would invite the whole crowd that one probe is to speak for.
    const retryAfterMs = Math.max(1, nextProbeMs);
    throw new GatewayError(
      "circuit_open",
      "The model's providers have failed too often and are left alone for a moment.",
      {
        param: "model",
        retryAfterMs,
      },
    );
  }
  if (lastMiss === undefined) throw new GatewayError("no_provider_available", "No provider is available now.");
  if (!onlyUnknownModel) throw finalError(trail, lastMiss.error);
  throw new GatewayError("model_not_found", "The model does not exist at any provider that could serve it.", {
    param: "model",
    cause: lastMiss.error,
  });
}

/** One attempt, with its verdict for the target's circuit. Throws what is final. */
async function ask<Result>(
  { exchange, run, delivered }: AttemptOptions<Result>,
  trail: Trail,
  provider: LLMProvider,
  target: Target,
  permit: Permit,
): Promise<Result | Miss> {
  const { signal, logger, context } = exchange;
  const { health } = exchange.resilience;
  trail.attempts += 1;
  trail.severalTargets ||= trail.lastTarget !== undefined && trail.lastTarget !== target;
  trail.lastTarget = target;
  // Also said where the answer becomes an error, or where a comment frame goes out before the first output.
  if (!context.response.headersSent) context.response.setHeader("x-codewise-provider", provider.id);
  try {
    const result = await run(provider, target, permit === PASS ? ignore : () => health.answered(target, permit));
    if (isGuarded(provider.type)) health.succeed(target, permit);
    return result;
  } catch (thrown) {
    const error = toGatewayError(thrown);
    if (isGuarded(provider.type)) {
      // A client that goes away, and a request that is at fault itself, say nothing about the target.
      if (!signal.aborted && countsAgainstTarget(error)) health.fail(target, permit, error.retryAfterMs);
      else health.release(target, permit);
    }
    if (signal.aborted) throw whyFailed(signal, error);
    if (delivered() || !error.failover) throw finalError(trail, error);
    logger.warn(
      // Not the message: an upstream's words may quote the prompt.
      { requestId: context.requestId, provider: target.providerId, code: error.code, status: error.status },
      "target failed before its first output",
    );
    return new Miss(provider, target, error);
  }
}

/** Waits until the same target may be asked again; `REFUSED` when it may not. */
async function waitForRetry<Result>(options: AttemptOptions<Result>, { target, error }: Miss): Promise<Permit> {
  const { resilience, timeouts, context, signal } = options.exchange;
  const waitMs = planRetryWait({
    retryAfterMs: error.retryAfterMs,
    maxWaitMs: resilience.retryWaitMaxMs,
    remainingMs: timeouts.totalMs - (performance.now() - context.startedAt),
    random: resilience.random(),
  });
  if (waitMs === undefined || !resilience.health.takeRetry(target)) return REFUSED;
  try {
    await resilience.wait(waitMs, signal);
  } catch (thrown) {
    throw whyFailed(signal, toGatewayError(thrown));
  }
  const permit = resilience.health.reenter(target);
  if (permit !== REFUSED) resilience.onRetry({ target, code: error.code, waitMs });
  return permit;
}

/**
 * A failure as the client gets it. The SDKs' own retries would multiply attempts of the proxy, and spend tokens again
 * that were used up; rate-limit headers are one upstream's, and mean nothing where several were asked.
 */
function finalError({ attempts, severalTargets }: Trail, error: GatewayError): GatewayError {
  if (attempts === 1 && error.usage === undefined) return error;
  return changeError(error, { shouldRetry: false, ...(severalTargets && { upstreamHeaders: undefined }) });
}
