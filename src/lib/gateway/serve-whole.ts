import { endOfTurn } from "../http/end-of-turn.ts";
import { sendJson } from "../http/respond.ts";
import { attemptTargets } from "./attempt.ts";
import { delivered } from "./delivered.ts";
import { makeCall, noteServed, type Serve } from "./exchange.ts";

/** Serves an exchange as one JSON object. */
export const serveWhole: Serve = async (exchange) => {
  const { meter, context } = exchange;
  let providerId = "";
  const result = await attemptTargets({
    exchange,
    delivered: () => false,
    run: (provider, target) => {
      providerId = provider.id;
      meter.attempt(providerId);
      return provider.complete(makeCall(exchange, target));
    },
  });
  // Not needed for this answer: so it is written with others, which costs all of them less.
  await endOfTurn();
  noteServed(exchange, providerId, result.outcome.servedBy);
  meter.firstOutput();
  sendJson(context.response, 200, result.body);
  await delivered(context, result.outcome.usage);
  return result.outcome;
};
