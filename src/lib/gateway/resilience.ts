import { setTimeout as sleep } from "node:timers/promises";
import type { ErrorCode } from "../http/errors.ts";
import type { Target } from "./resolve-targets.ts";
import { createTargetHealth, type CircuitTransition, type TargetHealth } from "./target-health.ts";

/** The same target is asked again, after a wait. */
export interface RetryEvent {
  readonly target: Target;
  /** Why: the code of the failure before it. */
  readonly code: ErrorCode;
  readonly waitMs: number;
}

export interface ResilienceOptions {
  /** The longest wait before the same target is asked again, in milliseconds; default 5 s, 0 switches these retries off. */
  readonly retryWaitMaxMs?: number;
  /** Time from a circuit's opening to its first probe, in milliseconds; default 5 s, 0 switches the breakers off. */
  readonly circuitCooldownMs?: number;
  /** Called as it happens, for logs and counters. Must not throw. */
  readonly onRetry?: (event: RetryEvent) => void;
  readonly onTransition?: (event: CircuitTransition) => void;
  /** From 0 up to, but not, 1. */
  readonly random?: () => number;
  /** Milliseconds since the epoch on a clock that never goes back. */
  readonly now?: () => number;
}

/** What `attemptTargets` needs beside the exchange: one per process. */
export interface Resilience {
  readonly health: TargetHealth;
  readonly retryWaitMaxMs: number;
  readonly onRetry: (event: RetryEvent) => void;
  readonly random: () => number;
  /** Resolves after so many milliseconds; rejects at once when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createResilience(options: ResilienceOptions = {}): Resilience {
  const { retryWaitMaxMs = 5000, circuitCooldownMs = 5000, onTransition = () => {}, onRetry = () => {} } = options;
  const { random = Math.random, now = () => performance.timeOrigin + performance.now() } = options;
  return {
    health: createTargetHealth({ cooldownMs: circuitCooldownMs, onTransition, now }),
    retryWaitMaxMs,
    onRetry,
    random,
    wait: (ms, signal) => sleep(ms, undefined, { signal }),
  };
}
