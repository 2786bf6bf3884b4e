import type { AppServer } from "./app-server.ts";
import { turnStartedSchema } from "./protocol.ts";

/** The one turn of a thread: whether it runs, and how it is ended. */
export interface TurnControl {
  readonly isStarted: boolean;
  /** Takes note of what the server says about the thread. */
  note(method: string, params: unknown): void;
  /** Asks for the turn. Rejects with GatewayError where the server refuses it. */
  start(params: Readonly<Record<string, unknown>>): Promise<void>;
  /** Ends the turn early; at once where it is known by its id, else as soon as it is. */
  interrupt(): void;
  /** Sees to it that the turn is over; `false` where it is not, after so many milliseconds. */
  end(waitMs: number): Promise<boolean>;
}

const NEVER = new AbortController().signal;

export function createTurnControl(server: AppServer, threadId: string): TurnControl {
  const over = Promise.withResolvers<true>();
  let turnId: string | undefined;
  let isAsked = false;
  let isStarted = false;
  let isOver = false;
  let isUnwanted = false;
  let isInterrupted = false;

  const finish = (): void => {
    isOver = true;
    over.resolve(true);
  };

  const interrupt = (): void => {
    isUnwanted = true;
    if (isOver || isInterrupted || turnId === undefined) return;
    isInterrupted = true;
    // Refused where the turn has just ended by itself; what counts is that it ends.
    server.call("turn/interrupt", { threadId, turnId }, NEVER).catch(() => {});
  };

  const learnId = (from: unknown): void => {
    const parsed = turnStartedSchema.safeParse(from);
    if (!parsed.success) return;
    turnId = parsed.data.turn.id;
    if (isUnwanted) interrupt();
  };

  return {
    get isStarted() {
      return isStarted;
    },
    note(method, params) {
      if (method === "turn/completed") finish();
      if (method !== "turn/started") return;
      isStarted = true;
      learnId(params);
    },
    async start(params) {
      isAsked = true;
      try {
        // Not to be given up on abort: the turn might begin behind it.
        learnId(await server.call("turn/start", { threadId, input: [], ...params }, NEVER));
      } catch (error) {
        finish();
        throw error;
      }
    },
    interrupt,
    async end(waitMs) {
      if (!isAsked || isOver || server.isLost) return true;
      interrupt();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<false>((resolve) => {
        timer = setTimeout(resolve, waitMs, false);
      });
      try {
        return await Promise.race([over.promise, late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
