import { GatewayError } from "../lib/http/errors.ts";
import { createCompletionCollector } from "../lib/openai/collect-completion.ts";
import type { LLMProvider, ProviderCall, ProviderModel, ProviderOutcome, StreamSink } from "../lib/providers/types.ts";

export interface FakeProviderOptions {
  readonly id: string;
  readonly models?: readonly string[];
  readonly available?: boolean;
  readonly stream?: (call: ProviderCall, sink: StreamSink) => Promise<ProviderOutcome>;
}

/** A provider whose stream is a function of the test: for tests of the gateway's own steps. */
export function createFakeProvider(options: FakeProviderOptions): LLMProvider & { calls: ProviderCall[] } {
  const models: readonly ProviderModel[] = (options.models ?? []).map((id) => ({ id, ownedBy: "test", created: 0 }));
  const calls: ProviderCall[] = [];
  const stream = async (call: ProviderCall, sink: StreamSink): Promise<ProviderOutcome> => {
    calls.push(call);
    if (options.stream === undefined) throw new GatewayError("upstream_error", "not scripted");
    return await options.stream(call, sink);
  };
  return {
    id: options.id,
    type: "openai",
    calls,
    isAvailable: () => options.available ?? true,
    getModels: async () => models,
    stream,
    complete: async (call) => {
      const collector = createCompletionCollector();
      const outcome = await stream(call, {
        open: () => undefined,
        raw: () => true,
        delta: (delta) => collector.delta(delta),
        onDrain: (listener) => collector.onDrain(listener),
      });
      const { finishReason, usage, servedBy } = outcome;
      const body = collector.completion({
        id: call.completionId,
        created: call.created,
        model: servedBy.model,
        finishReason,
        usage,
      });
      return { body, outcome };
    },
    close: async () => undefined,
  };
}
