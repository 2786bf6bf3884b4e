/** Non-streamed load: closed loop (each connection asks again once it is answered) or open loop (a fixed rate). */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ANSWER_TEXT } from "../upstream/answers.ts";
import { openConnection } from "./connection.ts";
import type { LoadResult, WholePlan } from "./plan.ts";
import { requestBytes } from "./request-bytes.ts";
import { MeasuredWindow } from "./window.ts";

const DRAIN_MS = 20_000;
const ANSWER = Buffer.from(ANSWER_TEXT);

/** One keep-alive connection that has at most one request under way. */
class Asker {
  readonly #bytes: Buffer;
  readonly #onAnswer: (asker: Asker, startedAt: number, isRight: boolean) => void;
  #socket: Socket | undefined;
  #startedAt = 0;
  #isRight = false;
  #status = 0;
  /** A request of it is under way. */
  isBusy = false;

  constructor(bytes: Buffer, onAnswer: (asker: Asker, startedAt: number, isRight: boolean) => void) {
    this.#bytes = bytes;
    this.#onAnswer = onAnswer;
  }

  async open(url: string, failed: (reason: unknown) => void): Promise<void> {
    const handlers = {
      head: (status: number) => {
        this.#status = status;
      },
      body: (slice: Buffer) => {
        this.#isRight ||= slice.includes(ANSWER);
      },
      end: () => {
        this.isBusy = false;
        this.#onAnswer(this, this.#startedAt, this.#status === 200 && this.#isRight);
      },
    };
    this.#socket = await openConnection(url, handlers, failed);
  }

  /** @param startedAt when the request was due, on the clock of `performance.now()` */
  ask(startedAt: number): void {
    this.#startedAt = startedAt;
    this.#isRight = false;
    this.isBusy = true;
    this.#socket?.write(this.#bytes);
  }

  close(): void {
    this.#socket?.destroy();
  }
}

export async function runWhole(plan: WholePlan): Promise<LoadResult> {
  const window = new MeasuredWindow(plan.watch);
  const bytes = requestBytes(plan);
  const idle: Asker[] = [];
  /** Open loop: when each request was due that found no free connection. */
  const waiting: number[] = [];
  let underWay = 0;
  let isStopping = false;

  const isBusy = (): boolean => underWay > 0;

  const ask = (asker: Asker, startedAt: number): void => {
    window.requests += 1;
    underWay += 1;
    asker.ask(startedAt);
  };
  const onAnswer = (asker: Asker, startedAt: number, isRight: boolean): void => {
    const now = performance.now();
    underWay -= 1;
    if (!isRight) window.failed("an answer that is not the upstream's");
    else if (window.isOpen) window.latencies.push(now - startedAt);
    const due = waiting.shift();
    if (isStopping) return;
    if (plan.rate === undefined) ask(asker, now);
    else if (due !== undefined) ask(asker, due);
    else idle.push(asker);
  };
  const askers = Array.from({ length: plan.connections }, () => new Asker(bytes, onAnswer));
  for (const asker of askers) {
    await asker.open(plan.url, (reason) => {
      // While the last answers come, a server may close what is idle.
      if (asker.isBusy || !isStopping) window.failed(reason);
    });
  }

  const stopClock = plan.rate === undefined ? startAll(askers, ask) : startClock(plan.rate, idle, waiting, ask);
  if (plan.rate !== undefined) idle.push(...askers);
  await sleep(plan.warmupSeconds * 1000);
  window.open();
  await sleep(plan.seconds * 1000);
  window.close();
  isStopping = true;
  stopClock();
  const deadline = performance.now() + DRAIN_MS;
  while (isBusy() && performance.now() < deadline) await sleep(10);
  if (isBusy()) window.failed(`${underWay} requests were never answered`);
  for (const asker of askers) asker.close();
  return window.result(window.latencies.length);
}

function startAll(askers: readonly Asker[], ask: (asker: Asker, startedAt: number) => void): () => void {
  for (const asker of askers) ask(asker, performance.now());
  return () => undefined;
}

/**
 * Sends at a fixed rate. A request counts from the moment it is sent, or, when all connections are busy, from when it
 * was due: so a stall of the target shows in every request that it held up, while the lateness of this process' own
 * timers does not.
 */
function startClock(
  rate: number,
  idle: Asker[],
  waiting: number[],
  ask: (asker: Asker, startedAt: number) => void,
): () => void {
  const startedAt = performance.now();
  let sent = 0;
  const turn = (): void => {
    const now = performance.now();
    for (; sent < ((now - startedAt) * rate) / 1000; sent += 1) {
      const asker = idle.shift();
      if (asker === undefined) waiting.push(now);
      else ask(asker, performance.now());
    }
  };
  const timer = setInterval(turn, 1);
  return () => clearInterval(timer);
}
