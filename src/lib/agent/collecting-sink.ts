import { GatewayError } from "../http/errors.ts";
import { createCompletionCollector, type CompletionCollector } from "../openai/collect-completion.ts";
import type { StreamSink } from "../providers/types.ts";
import { deltaDigestText } from "./types.ts";

/** Most text that is gathered for one answer, in UTF-16 units. */
const MAX_COLLECTED_TEXT = 64 * 1024 * 1024;

/** A sink that gathers an answer for a client that does not stream, within bounds. */
export function createCollectingSink(maxText = MAX_COLLECTED_TEXT): {
  readonly sink: StreamSink;
  readonly collector: CompletionCollector;
} {
  const collector = createCompletionCollector();
  let text = 0;
  const sink: StreamSink = {
    open: () => undefined,
    delta: (delta) => {
      text += deltaDigestText(delta).length;
      if (text > maxText) throw new GatewayError("upstream_invalid_response", "The agent's answer is too large.");
      return collector.delta(delta);
    },
    raw: () => true,
    onDrain: (listener) => collector.onDrain(listener),
  };
  return { sink, collector };
}
