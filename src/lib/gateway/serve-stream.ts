import { attemptTargets } from "./attempt.ts";
import { delivered } from "./delivered.ts";
import { makeCall, noteServed, type Serve } from "./exchange.ts";
import { StreamResponder } from "./stream-responder.ts";

/** Serves an exchange as server-sent events. */
export const serveStream: Serve = async (exchange) => {
  const { meter, context, body } = exchange;
  let providerId = "";
  let noteAnswered = (): void => {};
  const responder = new StreamResponder({
    response: context.response,
    completionId: exchange.completionId,
    created: exchange.created,
    includeUsage: body.head.stream_options?.include_usage === true,
    onOpen: (servedBy) => noteServed(exchange, providerId, servedBy),
    onFirstOutput: () => {
      meter.firstOutput();
      noteAnswered();
      // From here on no other target is tried.
      body.release();
    },
  });
  const unwatch = exchange.keepAlive.watch(responder);
  try {
    const outcome = await attemptTargets({
      exchange,
      delivered: () => responder.delivered,
      run: (provider, target, answered) => {
        providerId = provider.id;
        noteAnswered = answered;
        meter.attempt(provider.id);
        return provider.stream(makeCall(exchange, target), responder);
      },
    });
    responder.finish(outcome);
    await delivered(context, outcome.usage);
    return outcome;
  } finally {
    unwatch();
  }
};
