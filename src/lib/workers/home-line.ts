import { GatewayError, isErrorCode } from "../http/errors.ts";
import {
  ANSWERS,
  fromHomeSchema,
  type Answer,
  type FromHome,
  type FromWorker,
  type Question,
  type QuestionKind,
} from "./messages.ts";

/** How long the home may take for an answer, in milliseconds. */
const ANSWER_WAIT_MS = 5000;

interface Waiting {
  readonly kind: QuestionKind;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: GatewayError) => void;
  readonly timer: NodeJS.Timeout;
}

export type HomeEvent = Exclude<FromHome, { codewise: "answer" | "refusal" }>;

/** The worker's end of the channel to the home. */
export interface HomeLine {
  /** Sends without an answer. */
  tell(message: FromWorker): void;
  /** Asks the home. Throws GatewayError: what the home says, or `database_unavailable` when it does not answer in time. */
  ask<Kind extends QuestionKind>(question: Question & { readonly kind: Kind }, waitMs?: number): Promise<Answer<Kind>>;
  /** Resolves once all that was told before is handed to the system. */
  flushed(): Promise<void>;
}

/** Opens the line over the channel of a forked process, and gives what the home says or hands over unasked to `onEvent`. */
export function openHomeLine(onEvent: (event: HomeEvent, handle: unknown) => void): HomeLine {
  const waiting = new Map<number, Waiting>();
  let calls = 0;

  const send = (message: FromWorker, sent: () => void = () => undefined): void => {
    // A home that is gone takes nothing; this process ends then by its `disconnect`.
    if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, sent);
    else sent();
  };

  const take = (call: number): Waiting | undefined => {
    const found = waiting.get(call);
    waiting.delete(call);
    clearTimeout(found?.timer);
    return found;
  };

  process.on("message", (raw: unknown, handle: unknown) => {
    const parsed = fromHomeSchema.safeParse(raw);
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.codewise === "answer") {
      const asked = take(message.call);
      if (asked === undefined) return;
      const answer = ANSWERS[asked.kind].safeParse(message.value);
      if (answer.success) asked.resolve(answer.data);
      else asked.reject(new GatewayError("server_error", "The home process gave an answer that makes no sense."));
    } else if (message.codewise === "refusal") {
      const { code, retryAfterMs } = message;
      take(message.call)?.reject(
        new GatewayError(isErrorCode(code) ? code : "server_error", message.message, { retryAfterMs }),
      );
    } else {
      onEvent(message, handle);
    }
  });

  return {
    tell: (message) => send(message),
    async ask(question, waitMs = ANSWER_WAIT_MS) {
      calls += 1;
      const call = calls;
      const answer = await new Promise<unknown>((resolve, reject) => {
        const timer = setTimeout(() => take(call)?.reject(homeIsAway()), waitMs).unref();
        waiting.set(call, { kind: question.kind, resolve, reject, timer });
        send({ codewise: "question", call, question });
      });
      return answer as Answer<typeof question.kind>;
    },
    flushed: () => new Promise((resolve) => send({ codewise: "release", places: [] }, resolve)),
  };
}

function homeIsAway(): GatewayError {
  return new GatewayError("database_unavailable", "The proxy's home process does not answer.", { retryAfterMs: 1000 });
}
