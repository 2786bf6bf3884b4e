import type { CliExecution, CliExecutor, CliOutcome, CliSink } from "../../src/lib/cli/types.ts";
import { stampText } from "../upstream/answers.ts";
import type { Counts } from "../upstream/counts.ts";
import { readOrder } from "../upstream/order.ts";
import type { Pacer } from "../upstream/pacer.ts";

/** In place of a CLI: deltas with the mock upstream's stamps, at the pace that the request orders, without a process. */
export function createPacedExecutor(model: string, pacer: Pacer, counts: Counts): CliExecutor {
  let running = 0;
  return {
    name: "claude",
    probe: async () => ({ name: "claude", version: "1.0.0", ready: true, reason: null }),
    models: () => [model],
    running: () => running,
    killAll: async () => undefined,
    execute: async (execution, sink) => {
      running += 1;
      try {
        return await run(execution, sink, pacer, counts);
      } finally {
        running -= 1;
      }
    },
  };
}

async function run(execution: CliExecution, sink: CliSink, pacer: Pacer, counts: Counts): Promise<CliOutcome> {
  const order = readOrder(Buffer.from(JSON.stringify(execution.request.messages)));
  if (order?.kind !== "stream") throw new Error("the bench's agent answers streams only");
  const { model, signal } = execution;
  counts.streams += 1;
  sink.open({ model, droppedParams: [] });
  const ended = Promise.withResolvers<void>();
  let sent = 0;
  let isHeld = false;
  sink.onDrain(() => {
    isHeld = false;
  });
  const tick = (): number | undefined => {
    if (signal.aborted) return (ended.reject(signal.reason), undefined);
    // Held back by the link: what is not made now is made later, as with a CLI whose output is not read.
    if (isHeld) return order.gapMs;
    sent += 1;
    counts.chunks += 1;
    isHeld = !sink.delta({ content: stampText(process.hrtime.bigint()) });
    if (sent < order.chunks) return order.gapMs;
    counts.finishedStreams += 1;
    return (ended.resolve(), undefined);
  };
  const next = tick();
  if (next !== undefined) pacer.add({ tick }, next);
  await ended.promise;
  return {
    finishReason: "stop",
    usage: { prompt_tokens: 25, completion_tokens: sent, total_tokens: 25 + sent },
    usageSource: "cli",
    model,
    droppedParams: [],
    costUsd: undefined,
    timings: { spawnMs: 0, firstDeltaMs: 0, totalMs: 0 },
  };
}
