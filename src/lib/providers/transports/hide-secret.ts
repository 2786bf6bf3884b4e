import { changeError, type GatewayError, toGatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import type { CompletionResult, LLMProvider, ProviderOutcome, ServedBy, StreamSink } from "../types.ts";

const REMOVED = "[removed]";
/** From this length on a secret is looked for anywhere, in characters; a shorter one is a placeholder of a server that wants no key. */
const MIN_SECRET_LENGTH = 8;

/**
 * A provider whose upstream cannot send the proxy's own key on to clients, rows or logs by echoing it: the secret is cut
 * out of every error that leaves `stream` and `complete` (message and param, after all parsing), and of what becomes
 * headers ({@link ServedBy}). The answer itself is not touched: it is the model's, byte for byte.
 */
export function hideSecret(provider: LLMProvider, secret: string): LLMProvider {
  const remove = createSecretRemover(secret);

  function cleanError(thrown: unknown): GatewayError {
    const error = toGatewayError(thrown);
    const message = remove(error.message);
    const param = error.param === null ? null : remove(error.param);
    return message === error.message && param === error.param ? error : changeError(error, { message, param });
  }

  function cleanServedBy(servedBy: ServedBy): ServedBy {
    const model = remove(servedBy.model);
    const upstreamRequestId = servedBy.upstreamRequestId && remove(servedBy.upstreamRequestId);
    const isClean = model === servedBy.model && upstreamRequestId === servedBy.upstreamRequestId;
    return isClean ? servedBy : { ...servedBy, model, upstreamRequestId };
  }

  function cleanOutcome(outcome: ProviderOutcome): ProviderOutcome {
    const servedBy = cleanServedBy(outcome.servedBy);
    return servedBy === outcome.servedBy ? outcome : { ...outcome, servedBy };
  }

  const cleanResult = (result: CompletionResult): CompletionResult => {
    const outcome = cleanOutcome(result.outcome);
    return outcome === result.outcome ? result : { body: result.body, outcome };
  };
  const rethrow = (thrown: unknown): never => {
    throw cleanError(thrown);
  };

  return {
    ...provider,
    stream: (call, sink) => provider.stream(call, new CleanSink(sink, cleanServedBy)).then(cleanOutcome, rethrow),
    complete: (call) => provider.complete(call).then(cleanResult, rethrow),
  };
}

/** A sink that is told of a cleaned {@link ServedBy}. */
class CleanSink implements StreamSink {
  readonly #sink: StreamSink;
  readonly #clean: (servedBy: ServedBy) => ServedBy;

  constructor(sink: StreamSink, clean: (servedBy: ServedBy) => ServedBy) {
    this.#sink = sink;
    this.#clean = clean;
  }

  open(servedBy: ServedBy): void {
    this.#sink.open(this.#clean(servedBy));
  }

  delta(delta: ChatDelta): boolean {
    return this.#sink.delta(delta);
  }

  raw(payload: string): boolean {
    return this.#sink.raw(payload);
  }

  onDrain(listener: () => void): void {
    this.#sink.onDrain(listener);
  }
}

/**
 * Replaces a secret by `[removed]`, wherever it stands; also its beginning at the end of a text that was cut to length.
 * A secret of under 8 characters is replaced only where it stands alone, since it may well be a part of plain words.
 */
export function createSecretRemover(secret: string): (text: string) => string {
  if (secret === "") return (text) => text;
  if (secret.length < MIN_SECRET_LENGTH) {
    const alone = new RegExp(`(?<![\\w-])${secret.replace(/\W/g, "\\$&")}(?![\\w-])`, "g");
    return (text) => text.replace(alone, REMOVED);
  }
  const beginning = secret.slice(0, MIN_SECRET_LENGTH);
  return (text) => {
    if (!text.includes(beginning)) return text;
    const cleaned = text.replaceAll(secret, REMOVED);
    for (let length = secret.length - 1; length >= MIN_SECRET_LENGTH; length -= 1) {
      if (cleaned.endsWith(secret.slice(0, length))) return cleaned.slice(0, -length) + REMOVED;
    }
    return cleaned;
  };
}
