import { BoundedMap } from "../keys/bounded-map.ts";
import { CircuitBreaker, PASS, REFUSED, type CircuitState, type Permit } from "./circuit-breaker.ts";
import type { Target } from "./resolve-targets.ts";
import { RetryBudget } from "./retry-budget.ts";

const MAX_TARGETS = 1000;
/** Model names come from clients; nothing is kept for a longer one. In UTF-16 code units. */
const MAX_MODEL_LENGTH = 256;

export interface TargetHealthOptions {
  /** See `CircuitBreakerOptions.cooldownMs`. */
  readonly cooldownMs: number;
  readonly onTransition: (event: CircuitTransition) => void;
  /** Milliseconds on a clock that never goes back; `states()` speaks in its terms. */
  readonly now: () => number;
}

/** A circuit breaker changed its state. */
export interface CircuitTransition {
  readonly target: Target;
  readonly from: CircuitState;
  readonly to: CircuitState;
}

/** What is known of a target that has failed lately. Times in milliseconds of the clock given to `createTargetHealth`. */
export interface TargetState {
  readonly target: Target;
  readonly state: CircuitState;
  /** Failures in the last 30 s; while the circuit is not closed, those that opened it and the failed probes since. */
  readonly failures: number;
  readonly openedAt: number | undefined;
  readonly nextProbeAt: number | undefined;
}

/**
 * The circuit breakers and retry budgets of all targets. A target is a model at a provider: rate limits and overload
 * mostly concern one model, and must not close the door of the others. Only targets that failed lately take memory, at
 * most 1,000 (the one that failed first is forgotten first): for a healthy one each call costs a look at an empty map.
 */
export interface TargetHealth {
  /** Asks for leave to ask a target, whose permit then goes to exactly one of `succeed`, `fail` and `release`. */
  enter(target: Target): Permit;
  /** The same for a retry that `takeRetry` granted. */
  reenter(target: Target): Permit;
  /** Milliseconds until a refused target lets the next request through. */
  waitMs(target: Target): number;
  /** The first output has come: a probe has told enough. Its permit still goes to one of the three. */
  answered(target: Target, permit: Permit): void;
  succeed(target: Target, permit: Permit): void;
  fail(target: Target, permit: Permit, retryAfterMs?: number): void;
  release(target: Target, permit: Permit): void;
  /** Takes one retry of a target that has just failed out of its budget; false when that is used up or its circuit is not closed. */
  takeRetry(target: Target): boolean;
  /** Every target that has failed lately; all others are closed. */
  states(): readonly TargetState[];
}

interface Entry {
  readonly target: Target;
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
}

export function createTargetHealth(options: TargetHealthOptions): TargetHealth {
  const { cooldownMs, onTransition, now } = options;
  const entries = new BoundedMap<string, Entry>(MAX_TARGETS);

  const find = (target: Target): Entry | undefined =>
    entries.size === 0 || target.model.length > MAX_MODEL_LENGTH ? undefined : entries.get(keyOf(target));

  function add(target: Target): Entry {
    const breaker = new CircuitBreaker({ cooldownMs, onTransition: (from, to) => onTransition({ target, from, to }) });
    const entry = { target, breaker, budget: new RetryBudget(now()) };
    entries.set(keyOf(target), entry);
    return entry;
  }

  return {
    enter(target) {
      const entry = find(target);
      if (entry === undefined) return PASS;
      const permit = entry.breaker.enter(now());
      if (permit !== REFUSED) entry.budget.deposit(now());
      return permit;
    },
    reenter: (target) => find(target)?.breaker.enter(now()) ?? PASS,
    waitMs: (target) => find(target)?.breaker.waitMs(now()) ?? 0,
    answered(target, permit) {
      if (permit !== PASS) find(target)?.breaker.succeed(permit, now());
    },
    succeed(target, permit) {
      const entry = find(target);
      if (entry === undefined) return;
      entry.breaker.succeed(permit, now());
      if (entry.breaker.isIdle(now()) && entry.budget.isFull(now())) entries.delete(keyOf(target));
    },
    fail(target, permit, retryAfterMs) {
      if (target.model.length > MAX_MODEL_LENGTH) return;
      (find(target) ?? add(target)).breaker.fail(permit, now(), retryAfterMs);
    },
    release: (target, permit) => find(target)?.breaker.release(permit),
    takeRetry(target) {
      const entry = find(target);
      return entry !== undefined && entry.breaker.state(now()) === "closed" && entry.budget.take(now());
    },
    states: () =>
      Array.from(entries.entries(), ([, { target, breaker }]) => ({
        target,
        state: breaker.state(now()),
        failures: breaker.failures(now()),
        openedAt: breaker.openedAt,
        nextProbeAt: breaker.nextProbeAt(now()),
      })),
  };
}

function keyOf(target: Target): string {
  return `${target.providerId}/${target.model}`;
}
