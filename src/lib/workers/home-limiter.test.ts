import { describe, expect, it } from "vitest";
import { KeyLimiter } from "../limits/key-limiter.ts";
import type { HomeLine } from "./home-line.ts";
import { createHomeLimiter } from "./home-limiter.ts";
import { openDesk, type Desk } from "./desk.ts";
import type { FromHome, FromWorker, Question } from "./messages.ts";

/** Two workers and their home, with the wire between them left out. */
function createHome(limits: { requestsPerMinute: number; maxConcurrency: number }) {
  const keyLimiter = new KeyLimiter(limits);
  const sent: FromWorker[] = [];
  let isAway = false;
  const addWorker = (workerId: number) => {
    const answers = new Map<number, (value: unknown) => void>();
    let calls = 0;
    const desk: Desk = openDesk({
      workerId,
      parts: {
        keyLimiter,
        keyStore: { find: async () => undefined, touch: () => undefined },
        logWriter: { record: () => undefined, lost: () => undefined },
        live: { end: () => undefined, report: () => undefined },
      },
      send: (message: FromHome) => {
        if (message.codewise === "answer" && !isAway) answers.get(message.call)?.(message.value);
        else if (message.codewise === "answer") answers.get(message.call)?.(undefined);
      },
    });
    const line = {
      tell: (message: FromWorker) => {
        sent.push(message);
        desk.take(message);
      },
      ask: async (question: Question) => {
        calls += 1;
        const call = calls;
        const message: FromWorker = { codewise: "question", call, question };
        sent.push(message);
        const value = await new Promise((resolve) => {
          answers.set(call, resolve);
          desk.take(message);
        });
        if (value === undefined) throw new Error("no answer in time");
        return value;
      },
    } as unknown as HomeLine;
    return { desk, limiter: createHomeLimiter(line, { holdsPlaces: limits.maxConcurrency > 0 }) };
  };
  return {
    sent,
    addWorker,
    setAway: (away: boolean) => {
      isAway = away;
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe("limits kept by the home for its workers", () => {
  it("are exact over all workers, with one message for the requests of one turn", async () => {
    const home = createHome({ requestsPerMinute: 100, maxConcurrency: 0 });
    const workers = [home.addWorker(1), home.addWorker(2)];
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => await workers[index % 2]?.limiter.reserve("key_1")),
    );
    expect(verdicts.filter((verdict) => verdict?.admitted).length).toBe(100);
    expect(home.sent.length).toBe(2);
  });

  it("keep nothing of a request where only requests per minute are limited", () => {
    let released = 0;
    const desk = openDesk({
      workerId: 1,
      parts: {
        keyLimiter: { holdsPlaces: false, reserve: () => ({ admitted: true, release: () => (released += 1) }) },
        keyStore: { find: async () => undefined, touch: () => undefined },
        logWriter: { record: () => undefined, lost: () => undefined },
        live: { end: () => undefined, report: () => undefined },
      },
      send: () => undefined,
    });
    const places = Array.from({ length: 100 }, (_, place) => ({ place, keyId: "key_1" }));
    desk.take({ codewise: "question", call: 1, question: { kind: "reserve", places } });
    expect(released).toBe(100);
  });

  it("give back the places of requests that end, and of a worker that dies", async () => {
    const home = createHome({ requestsPerMinute: 0, maxConcurrency: 2 });
    const [doomed, other] = [home.addWorker(1), home.addWorker(2)];
    const first = await doomed.limiter.reserve("key_1");
    await doomed.limiter.reserve("key_1");
    expect(await other.limiter.reserve("key_1")).toMatchObject({ admitted: false, reason: "concurrency" });
    if (first.admitted) first.release();
    await turn();
    expect((await other.limiter.reserve("key_1")).admitted).toBe(true);
    expect((await other.limiter.reserve("key_1")).admitted).toBe(false);
    doomed.desk.close();
    expect((await other.limiter.reserve("key_1")).admitted).toBe(true);
  });

  it("let nobody in while the home does not answer, and keep no place that was given too late", async () => {
    const home = createHome({ requestsPerMinute: 0, maxConcurrency: 1 });
    const { limiter } = home.addWorker(1);
    home.setAway(true);
    expect(await limiter.reserve("key_1")).toMatchObject({ admitted: false, reason: "away" });
    await turn();
    home.setAway(false);
    expect((await limiter.reserve("key_1")).admitted).toBe(true);
  });
});
