import { GatewayError } from "../http/errors.ts";
import { createCompletionCollector, type CompletionCollector } from "../openai/collect-completion.ts";
import type { StreamSink } from "../providers/types.ts";
import { deltaOverhead } from "./delta-overhead.ts";
import { deltaDigestText } from "./types.ts";

/** Most that is gathered for one answer: its text in UTF-16 units and what its deltas cost beside it. */
const MAX_COLLECTED = 64 * 1024 * 1024;

/** A sink that gathers an answer for a client that does not stream, within bounds. */
export function createCollectingSink(max = MAX_COLLECTED): {
  readonly sink: StreamSink;
  readonly collector: CompletionCollector;
} {
  const collector = createCompletionCollector();
  let size = 0;
  const sink: StreamSink = {
    open: () => undefined,
    delta: (delta) => {
      size += deltaDigestText(delta).length + deltaOverhead(delta);
      if (size > max) throw new GatewayError("upstream_invalid_response", "The agent's answer is too large.");
      return collector.delta(delta);
    },
    raw: () => true,
    onDrain: (listener) => collector.onDrain(listener),
  };
  return { sink, collector };
}
