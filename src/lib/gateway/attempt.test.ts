import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createFakeProvider } from "../../test/fake-provider.ts";
import { rejection } from "../../test/rejection.ts";
import type { HttpContext } from "../http/context.ts";
import { GatewayError, type ErrorCode, type GatewayErrorOptions } from "../http/errors.ts";
import { createProviderRegistry } from "../providers/index.ts";
import type { ProviderType } from "../providers/types.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { attemptTargets } from "./attempt.ts";
import { createResilience, type RetryEvent } from "./resilience.ts";

type Answer = "ok" | ErrorCode | GatewayError;

interface Options {
  /** The answers of each provider, by turn; the last one goes on. */
  readonly providers: Readonly<Record<string, readonly Answer[]>>;
  readonly types?: Readonly<Record<string, ProviderType>>;
  readonly totalMs?: number;
  readonly retryWaitMaxMs?: number;
  readonly delivered?: boolean;
  readonly circuitCooldownMs?: number;
}

/** Targets of one model in the order of their providers, on a clock that stands still but for the waits. */
function setUp({ providers, types = {}, ...options }: Options) {
  const { totalMs = 60_000, retryWaitMaxMs = 5000, delivered = false, circuitCooldownMs = 1000 } = options;
  const asked: string[] = [];
  const waits: number[] = [];
  const retries: RetryEvent[] = [];
  const clock = { now: 0 };
  const controller = new AbortController();
  const ids = Object.keys(providers);
  const turns = new Map<string, number>();
  const resilience = {
    ...createResilience({
      retryWaitMaxMs,
      circuitCooldownMs,
      onRetry: (event) => retries.push(event),
      random: () => 0.5,
      now: () => clock.now,
    }),
    wait: async (ms: number, _signal: AbortSignal) => {
      waits.push(ms);
      clock.now += ms;
    },
  };
  const registry = createProviderRegistry(
    ids.map((id) => ({ ...createFakeProvider({ id }), type: types[id] ?? ("openai" as const) })),
  );
  const attempt = (signal: AbortSignal = controller.signal): Promise<string> =>
    attemptTargets({
      exchange: {
        targets: ids.map((providerId) => ({ providerId, model: "m" })),
        registry,
        resilience,
        signal,
        logger: silentLogger,
        timeouts: { connectMs: 1, firstOutputMs: 1, idleMs: 1, totalMs },
        context: {
          requestId: "req_1",
          startedAt: performance.now(),
          response: { headersSent: true },
        } as unknown as HttpContext,
      },
      delivered: () => delivered,
      run: async (provider) => {
        asked.push(provider.id);
        const turn = turns.get(provider.id) ?? 0;
        turns.set(provider.id, turn + 1);
        const answers = providers[provider.id] ?? [];
        const answer = answers[Math.min(turn, answers.length - 1)] ?? "ok";
        if (answer === "ok") return provider.id;
        throw typeof answer === "string" ? new GatewayError(answer, "failed") : answer;
      },
    });
  return { attempt, asked, waits, retries, clock, controller, resilience };
}

const error = (code: ErrorCode, options: GatewayErrorOptions = {}): GatewayError =>
  new GatewayError(code, "failed", options);

describe("attemptTargets", () => {
  it("asks the last target standing once more, after the wait that it asked for", async () => {
    const { attempt, asked, waits, retries } = setUp({
      providers: { a: [error("rate_limit_exceeded", { retryAfterMs: 1500 }), "ok"] },
    });
    await expect(attempt()).resolves.toBe("a");
    expect(asked).toEqual(["a", "a"]);
    expect(waits).toEqual([1625]);
    expect(retries).toEqual([{ target: { providerId: "a", model: "m" }, code: "rate_limit_exceeded", waitMs: 1625 }]);
  });

  it("fails over before it waits", async () => {
    const { attempt, asked, waits } = setUp({ providers: { a: ["upstream_overloaded"], b: ["ok"] } });
    await expect(attempt()).resolves.toBe("b");
    expect([asked, waits]).toEqual([["a", "b"], []]);
  });

  it("returns to the last target whose fault may pass when none is left", async () => {
    const { attempt, asked } = setUp({
      providers: { a: ["upstream_error", "ok"], b: ["upstream_unauthorized"] },
    });
    await expect(attempt()).resolves.toBe("a");
    expect(asked).toEqual(["a", "b", "a"]);
  });

  it("tells a client whose request was repeated not to repeat it, and how long the upstream wants to be left alone", async () => {
    const { attempt, asked } = setUp({
      providers: { a: ["upstream_error", error("rate_limit_exceeded", { retryAfterMs: 9000 })] },
    });
    expect(await rejection(attempt())).toMatchObject({
      code: "rate_limit_exceeded",
      retryAfterMs: 9000,
      shouldRetry: false,
    });
    expect(asked).toEqual(["a", "a"]);
  });

  it.each([
    ["the upstream asks for a longer wait than the bound", error("rate_limit_exceeded", { retryAfterMs: 5001 })],
    ["the wait would not end before the deadline", error("rate_limit_exceeded", { retryAfterMs: 900 }), 800],
  ])("gives the error with its Retry-After to the client when %s", async (_why, failure, totalMs = 60_000) => {
    const { attempt, asked, waits } = setUp({ providers: { a: [failure] }, totalMs });
    expect(await rejection(attempt())).toBe(failure);
    expect([asked, waits]).toEqual([["a"], []]);
  });

  it.each(["insufficient_quota", "upstream_unauthorized", "upstream_incomplete", "invalid_request"] as const)(
    "does not repeat after %s",
    async (code) => {
      const { attempt, asked } = setUp({ providers: { a: [code] } });
      await rejection(attempt());
      expect(asked).toEqual(["a"]);
    },
  );

  it("repeats nothing after output was delivered, and nothing when switched off", async () => {
    for (const options of [{ delivered: true }, { retryWaitMaxMs: 0 }]) {
      const { attempt, asked } = setUp({ providers: { a: ["upstream_error"] }, ...options });
      await rejection(attempt());
      expect(asked).toEqual(["a"]);
    }
  });

  it("says that tokens which were used up should not be spent again", async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const { attempt, asked } = setUp({ providers: { a: [error("upstream_error", { usage })] } });
    expect(await rejection(attempt())).toMatchObject({ shouldRetry: false, usage });
    expect(asked).toEqual(["a"]);
  });

  it("passes rate limits of a failure on only where a single upstream was asked", async () => {
    const limited = error("rate_limit_exceeded", { upstreamHeaders: { "x-ratelimit-limit-tokens": "5" } });
    const alone = setUp({ providers: { a: [limited] } });
    expect(await rejection(alone.attempt())).toMatchObject({ upstreamHeaders: { "x-ratelimit-limit-tokens": "5" } });
    expect(alone.asked).toEqual(["a", "a"]);
    const second = setUp({ providers: { a: ["insufficient_quota"], b: [limited] } });
    expect(await rejection(second.attempt())).toMatchObject({ upstreamHeaders: undefined });
  });

  it.each(["claude-cli", "claude-cli-remote"] as const)(
    "leaves %s to its own retries: never asked again, never left alone",
    async (type) => {
      const { attempt, asked, resilience } = setUp({ providers: { a: ["upstream_overloaded"] }, types: { a: type } });
      for (let count = 0; count < 30; count += 1) {
        expect(await rejection(attempt())).toMatchObject({ code: "upstream_overloaded", shouldRetry: undefined });
      }
      expect(asked).toHaveLength(30);
      expect(resilience.health.states()).toEqual([]);
    },
  );

  it("ends a wait at once when the request is aborted, with the reason, and asks nobody again", async () => {
    const { attempt, asked, controller, resilience } = setUp({
      providers: { a: [error("rate_limit_exceeded", { retryAfterMs: 5000 })] },
    });
    const real = createResilience();
    const waiting = vi.spyOn(resilience, "wait").mockImplementation((ms, signal) => real.wait(ms, signal));
    const failed = rejection(attempt());
    await vi.waitFor(() => expect(waiting).toHaveBeenCalled());
    controller.abort(error("client_closed_request"));
    expect(await failed).toMatchObject({ code: "client_closed_request" });
    expect(asked).toEqual(["a"]);
  });

  it("leaves a target out while its circuit is open, tells when it will be tried again, and lets one probe close it", async () => {
    const down = Array.from({ length: 8 }, () => error("upstream_overloaded", { retryAfterMs: 9000 }));
    const { attempt, asked, clock } = setUp({ providers: { a: [...down, "ok"] } });
    for (let count = 0; count < 8; count += 1) await rejection(attempt());
    expect(asked).toHaveLength(8);
    clock.now += 2000;
    expect(await rejection(attempt())).toMatchObject({ code: "circuit_open", status: 503, retryAfterMs: 7000 });
    expect(asked).toHaveLength(8);
    clock.now += 7000;
    await expect(attempt()).resolves.toBe("a");
  });

  it("goes on to the next target while the first one's circuit is open", async () => {
    const { attempt, asked } = setUp({ providers: { a: ["upstream_overloaded"], b: ["ok"] } });
    for (let count = 0; count < 10; count += 1) await attempt();
    expect(asked.filter((id) => id === "a")).toHaveLength(8);
    expect(asked.slice(-2)).toEqual(["b", "b"]);
  });

  it("does not call a model unknown that a target might have which was left out", async () => {
    const { attempt, clock } = setUp({
      providers: { a: ["upstream_overloaded"], b: ["upstream_model_not_found"] },
      retryWaitMaxMs: 0,
    });
    for (let count = 0; count < 8; count += 1) {
      expect(await rejection(attempt())).toMatchObject({ code: "upstream_overloaded", shouldRetry: false });
    }
    clock.now += 900;
    expect(await rejection(attempt())).toMatchObject({ code: "circuit_open", retryAfterMs: 100 });
  });

  it("does not double the traffic of an outage, even without circuits", async () => {
    const { attempt, asked, clock } = setUp({ providers: { a: ["upstream_overloaded"] }, circuitCooldownMs: 0 });
    for (let count = 0; count < 1000; count += 1) await rejection(attempt());
    expect(asked.length).toBeGreaterThan(1200);
    expect(asked.length).toBeLessThanOrEqual(1000 + 250 + 10 + clock.now / 10_000);
  });

  it("gives a probe whose client left back without a verdict", async () => {
    const { attempt, clock, controller, resilience } = setUp({
      providers: { a: ["upstream_error"] },
      retryWaitMaxMs: 0,
    });
    for (let count = 0; count < 8; count += 1) await rejection(attempt());
    clock.now += 1000;
    controller.abort(error("client_closed_request"));
    await rejection(attempt());
    expect(resilience.health.states()[0]).toMatchObject({ state: "half_open", nextProbeAt: clock.now });
  });

  it("never asks a target more than twice, nor all together more than once each and one again, nor waits beyond its bound", async () => {
    const codes: readonly Answer[] = [
      "ok",
      "rate_limit_exceeded",
      "upstream_overloaded",
      "upstream_error",
      "upstream_connection_failed",
      "upstream_model_not_found",
      "insufficient_quota",
      "invalid_request",
    ];
    const answer = fc.oneof(
      fc.constantFrom(...codes),
      fc.integer({ min: 0, max: 9000 }).map((retryAfterMs) => error("rate_limit_exceeded", { retryAfterMs })),
    );
    const answers = fc.array(answer, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.record({ a: answers, b: answers, c: answers }), async (providers) => {
        const { attempt, asked, waits, clock } = setUp({ providers });
        for (let count = 0; count < 12; count += 1) {
          asked.splice(0);
          waits.splice(0);
          const end = await attempt().catch((thrown: unknown) => thrown);
          expect(typeof end === "string" || end instanceof GatewayError).toBe(true);
          for (const id of ["a", "b", "c"]) expect(asked.filter((other) => other === id).length).toBeLessThanOrEqual(2);
          expect(asked.length).toBeLessThanOrEqual(4);
          expect(waits.length).toBeLessThanOrEqual(1);
          for (const waitMs of waits) expect(waitMs).toBeLessThanOrEqual(5000);
          clock.now += 100;
        }
      }),
    );
  });
});
