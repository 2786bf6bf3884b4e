import { createProcessSlots } from "../cli/process-slots.ts";
import type { CliExecutor, CliReadiness } from "../cli/types.ts";
import { createCompletionCollector } from "../openai/collect-completion.ts";
import { isClaudeModel } from "./claude/models.ts";
import { listCliModels } from "./cli-models.ts";
import type { LLMProvider, ProviderCall, ProviderModel, ProviderOutcome, StreamSink } from "./types.ts";

/** The longest that callers wait for the very first probe, in milliseconds. */
const FIRST_PROBE_MS = 3000;

export interface ClaudeCliProviderOptions {
  readonly executor: CliExecutor;
  /** Processes at a time. */
  readonly maxConcurrency: number;
  /** Requests that may wait for a process; default 100. */
  readonly maxWaiting?: number;
  /** The longest wait for a process, in milliseconds; default 30 s. */
  readonly maxWaitMs?: number;
  /** How long an answer about presence and login counts, in milliseconds; default 60 s. */
  readonly probeMaxAgeMs?: number;
}

/**
 * The provider `claude-cli`: the `claude` CLI on the proxy's own machine. It counts as available while the last probe
 * found it installed and logged in; an answer that has aged is renewed in the background.
 */
export function createClaudeCliProvider(options: ClaudeCliProviderOptions): LLMProvider {
  const { executor, maxWaiting = 100, maxWaitMs = 30_000, probeMaxAgeMs = 60_000 } = options;
  const slots = createProcessSlots({ limit: options.maxConcurrency, maxWaiting, maxWaitMs });
  const closing = new AbortController();
  let readiness: CliReadiness | undefined;
  let models: readonly ProviderModel[] = [];
  let firstWait: Promise<void> | undefined;
  let probing: Promise<CliReadiness> | undefined;
  let probedAt = Number.NEGATIVE_INFINITY;

  const refresh = (): Promise<CliReadiness> => {
    probing ??= executor.probe(closing.signal).then((result) => {
      readiness = result;
      models = result.ready ? listCliModels("claude", executor.models()) : [];
      probedAt = performance.now();
      probing = undefined;
      return result;
    });
    return probing;
  };

  const isStale = (): boolean => performance.now() - probedAt > probeMaxAgeMs;

  const stream = async (call: ProviderCall, sink: StreamSink): Promise<ProviderOutcome> => {
    const askedAt = performance.now();
    const release = await slots.acquire(call.signal);
    try {
      const outcome = await executor.execute(
        {
          requestId: call.requestId,
          request: call.body.request(),
          model: call.model,
          signal: call.signal,
          firstEventTimeoutMs: call.timeouts.firstOutputMs,
          idleTimeoutMs: call.timeouts.idleMs,
          deadlineMs: Math.max(1, call.timeouts.totalMs - (performance.now() - askedAt)),
        },
        sink,
      );
      const { model, droppedParams, finishReason, usage, usageSource, costUsd } = outcome;
      const usageEstimated = usageSource === "estimate";
      return { servedBy: { model, droppedParams }, finishReason, usage, usageEstimated, costUsd };
    } finally {
      release();
    }
  };

  return {
    id: "claude-cli",
    type: "claude-cli",
    isAvailable(model) {
      if (isStale()) void refresh();
      return (model === undefined || isClaudeModel(model)) && readiness?.ready !== false;
    },
    async getModels() {
      if (isStale()) void refresh();
      // A probe starts two processes: only the very first one is waited for, and not for long. The callers share that
      // wait, so that those who come after it are answered at once, although the probe may still run.
      if (readiness === undefined) await (firstWait ??= settledWithin(refresh(), FIRST_PROBE_MS));
      return models;
    },
    stream,
    async complete(call) {
      const collector = createCompletionCollector();
      const outcome = await stream(call, { ...collector, open() {}, raw: () => true });
      const { servedBy, finishReason, usage } = outcome;
      const { completionId: id, created } = call;
      return { outcome, body: collector.completion({ id, created, model: servedBy.model, finishReason, usage }) };
    },
    async close() {
      closing.abort();
      await executor.killAll();
    },
  };
}

/** Resolves when the promise has, and no later than after so many milliseconds. */
function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
