import { toGatewayError } from "../http/errors.ts";
import type { KeyStore } from "../keys/key-store.ts";
import type { KeyLimiter } from "../limits/key-limiter.ts";
import type { Verdict } from "../limits/types.ts";
import type { LiveRequests } from "../usage/live-requests.ts";
import type { LogWriter } from "../usage/log-writer.ts";
import type { RequestRecord } from "../usage/record.ts";
import type { Answer, FromHome, FromWorker, PlaceVerdict, Question, QuestionKind } from "./messages.ts";

/** What of the home the workers use. */
export interface DeskParts {
  readonly keyStore: Pick<KeyStore, "find" | "touch">;
  readonly keyLimiter: Pick<KeyLimiter, "reserve" | "holdsPlaces">;
  readonly logWriter: Pick<LogWriter, "record" | "lost">;
  readonly live: Pick<LiveRequests, "end" | "report">;
}

/** Serves one worker for as long as it lives. */
export interface Desk {
  /** Takes a message, and answers by `send` where it is a question. Never throws. */
  take(message: FromWorker): void;
  /** The worker is gone: its places are given back and what it showed is taken away. */
  close(): void;
}

export interface DeskOptions {
  /** Tells workers apart; never used again for another one. */
  readonly workerId: number;
  readonly parts: DeskParts;
  readonly send: (message: FromHome) => void;
}

export function openDesk({ workerId, parts, send }: DeskOptions): Desk {
  const { keyStore, keyLimiter, logWriter, live } = parts;
  const places = new Map<number, () => void>();

  const findKeys = async (hashes: readonly string[]): Promise<Answer<"keys">> => {
    const keys = await Promise.all(hashes.map(async (hash) => ({ hash, key: await keyStore.find(hash) })));
    return keys.flatMap(({ hash, key }): Answer<"keys"> => (key === undefined ? [] : [[hash, key]]));
  };

  const takeRows = (rows: readonly RequestRecord[], lost: number): null => {
    for (const row of rows) {
      if (row.keyId !== null) keyStore.touch(row.keyId);
      live.end(row);
      logWriter.record(row);
    }
    logWriter.lost(lost);
    return null;
  };

  const reserve = (place: number, keyId: string): PlaceVerdict => {
    const verdict = keyLimiter.reserve(keyId);
    // Where only requests per minute are limited, the worker has nothing to give back, and never does.
    if (verdict.admitted && keyLimiter.holdsPlaces) places.set(place, verdict.release);
    else if (verdict.admitted) verdict.release();
    return withoutRelease(verdict);
  };

  const answer = (question: Question): Answer<QuestionKind> | Promise<Answer<QuestionKind>> => {
    if (question.kind === "keys") return findKeys(question.hashes);
    if (question.kind === "rows") return takeRows(question.rows, question.lost);
    return question.places.map(({ place, keyId }) => reserve(place, keyId));
  };

  const takeQuestion = async (call: number, question: Question): Promise<void> => {
    try {
      send({ codewise: "answer", call, value: await answer(question) });
    } catch (thrown) {
      const { code, message, retryAfterMs } = toGatewayError(thrown);
      send({ codewise: "refusal", call, code, message, retryAfterMs });
    }
  };

  const giveBack = (place: number): void => {
    places.get(place)?.();
    places.delete(place);
  };

  return {
    take(message) {
      if (message.codewise === "question") void takeQuestion(message.call, message.question);
      else if (message.codewise === "release") for (const place of message.places) giveBack(place);
      else if (message.codewise === "state") live.report(workerId, message.live);
    },
    close() {
      for (const place of places.keys()) giveBack(place);
      live.report(workerId, []);
    },
  };
}

function withoutRelease(verdict: Verdict): PlaceVerdict {
  if (!verdict.admitted) return verdict;
  const { quota } = verdict;
  return { admitted: true, ...(quota !== undefined && { quota }) };
}
