import { fromErrorFields } from "../http/error-fields.ts";
import { GatewayError } from "../http/errors.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { ChatBody } from "../openai/chat-body.ts";
import { abortError } from "../providers/transports/http-errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import { AnsweringThread } from "./answering-thread.ts";
import { copyInPieces } from "./copy-in-pieces.ts";
import { prepareBody, type BodyForm, type BodyPreparer, type PreparedBody } from "./prepare-body.ts";
import { TurnQueue } from "./turn-queue.ts";
import type { PrepareAnswer, PrepareQuestion } from "./worker-messages.ts";

/** Bodies up to this size, in bytes, are prepared at once: under four milliseconds even where they are many short turns. */
const AT_ONCE_MAX = 128 * 1024;
/** What is more than a thread can do in some seconds is refused at once. */
const MAX_WAITING = 1000;

export interface BodyThreadOptions {
  readonly logger: Logger;
  /** Instead of {@link AT_ONCE_MAX}, in bytes. */
  readonly atOnceMax?: number;
  /** Requests that may wait for the thread; 1000 unless told otherwise. */
  readonly maxWaiting?: number;
  /** The thread's entry, unless it is the one beside this file or bundle. */
  readonly workerUrl?: URL;
}

/** The worker's entry: the source beside this file in development, `prepare-body-worker.js` beside the bundle. */
function defaultWorkerUrl(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const name = `./prepare-body-worker.${extension}`;
  return new URL(name, import.meta.url);
}

/**
 * Prepares small bodies at once and large ones on a thread of its own, one after the other, so that they do not hold the
 * event loop: only bytes cross, since cloning a parsed request would take as long as parsing it. A request whose thread
 * dies fails with `server_error`; the next one gets a new thread. On abort a request stops waiting; what the thread has
 * begun it ends, for nobody.
 */
export class BodyThread implements BodyPreparer {
  readonly #logger: Logger;
  readonly #atOnceMax: number;
  readonly #turns: TurnQueue;
  readonly #thread: AnsweringThread<PrepareQuestion, PrepareAnswer>;

  constructor(options: BodyThreadOptions) {
    this.#logger = options.logger;
    this.#atOnceMax = options.atOnceMax ?? AT_ONCE_MAX;
    this.#turns = new TurnQueue(options.maxWaiting ?? MAX_WAITING);
    this.#thread = new AnsweringThread({ url: options.workerUrl ?? defaultWorkerUrl(), name: "large bodies" });
  }

  prepare(body: ChatBody, form: BodyForm, signal: AbortSignal): MaybePromise<PreparedBody> {
    return body.byteLength <= this.#atOnceMax ? prepareBody(body, form) : this.#prepareThere(body, form, signal);
  }

  /** Ends the thread. */
  close(): Promise<void> {
    return this.#thread.close();
  }

  async #prepareThere(body: ChatBody, form: BodyForm, signal: AbortSignal): Promise<PreparedBody> {
    const endTurn = await this.#turns.take(signal);
    const answer = await orAborted(this.#ask(body, form, signal).finally(endTurn), signal);
    if ("error" in answer) throw fromErrorFields(answer.error);
    const { bytes, droppedParams } = answer;
    return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), droppedParams };
  }

  async #ask(body: ChatBody, form: BodyForm, signal: AbortSignal): Promise<PrepareAnswer> {
    // The client's bytes stay: another target may need them.
    const bytes = await copyInPieces(body.withMembers({}));
    if (signal.aborted) throw abortError(signal);
    try {
      return await this.#thread.ask({ bytes, form }, [bytes.buffer]);
    } catch (error) {
      this.#logger.error({ error }, "the thread for large requests failed");
      const message = "The proxy failed while it prepared this large request.";
      throw new GatewayError("server_error", message, { cause: error });
    }
  }
}

/** Settles as the promise does, or at once with the signal's reason when it aborts. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal));
    const leave = (): void => signal.removeEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    void promise.then(resolve, reject).finally(leave);
  });
}
