/** Streamed load: a fixed number of streams at a time, each followed by the next on its connection. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { openConnection } from "./connection.ts";
import type { LoadResult, StreamsPlan } from "./plan.ts";
import { requestBytes } from "./request-bytes.ts";
import { StampScanner } from "./stamp-scanner.ts";
import { MeasuredWindow } from "./window.ts";

const NANOSECONDS_PER_MS = 1e6;
/** Streams that are shorter are read to their end, so that the counts of both sides can be compared exactly. */
const LONGEST_DRAIN_MS = 5000;
const DRAIN_SLACK_MS = 20_000;

interface Run {
  readonly plan: StreamsPlan;
  readonly window: MeasuredWindow;
  readonly bytes: Buffer;
  readonly sockets: Socket[];
  isStopping: boolean;
  underWay: number;
  /** Streams that ended within the window. */
  finished: number;
}

export async function runStreams(plan: StreamsPlan): Promise<LoadResult> {
  const window = new MeasuredWindow(plan.watch);
  const bytes = requestBytes(plan);
  const run: Run = { plan, window, bytes, sockets: [], isStopping: false, underWay: 0, finished: 0 };
  const lengthMs = plan.chunks * plan.gapMs;
  // Starts are spread over one stream's length, so that the later ones are spread too.
  const spreadMs = Math.min(lengthMs, plan.warmupSeconds * 1000) / plan.streams;
  for (let index = 0; index < plan.streams; index += 1) {
    // A connection is opened when its stream is due: a server cuts off one that says nothing for half a minute.
    setTimeout(() => void startStream(run), index * spreadMs);
  }
  await sleep(plan.warmupSeconds * 1000);
  window.open();
  await sleep(plan.seconds * 1000);
  window.close();
  run.isStopping = true;
  if (lengthMs <= LONGEST_DRAIN_MS) await drain(run, lengthMs + DRAIN_SLACK_MS);
  for (const socket of run.sockets) socket.destroy();
  return window.result(run.finished);
}

async function drain(run: Run, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (run.underWay > 0 && performance.now() < deadline) await sleep(10);
  if (run.underWay > 0) run.window.failed(`${run.underWay} streams never ended`);
}

async function startStream(run: Run): Promise<void> {
  try {
    const ask = await openStream(run);
    ask();
  } catch (error) {
    run.window.failed(error instanceof Error ? error.message : String(error));
  }
}

/** Opens the connection of one stream; what it returns starts the first one. */
async function openStream(run: Run): Promise<() => void> {
  const { plan, window } = run;
  let askedAt = 0;
  let chunks = 0;
  let lastStamp = 0;
  let now = 0;
  let isBusy = false;
  const scanner = new StampScanner((stamp) => {
    if (stamp < lastStamp) window.failed("a chunk came out of order");
    lastStamp = stamp;
    chunks += 1;
    if (!window.isOpen) return;
    if (chunks === 1) window.latencies.push((now - askedAt) / NANOSECONDS_PER_MS);
    window.delays.push((now - stamp) / NANOSECONDS_PER_MS);
  });
  const ask = (): void => {
    chunks = 0;
    isBusy = true;
    scanner.reset();
    window.requests += 1;
    run.underWay += 1;
    askedAt = Number(process.hrtime.bigint());
    socket.write(run.bytes);
  };
  const handlers = {
    head: (status: number) => {
      if (status !== 200) window.failed(`status ${status}`);
    },
    body: (slice: Buffer) => {
      now = Number(process.hrtime.bigint());
      scanner.push(slice);
    },
    end: () => {
      run.underWay -= 1;
      isBusy = false;
      if (chunks !== plan.chunks) window.failed(`a stream had ${chunks} chunks of ${plan.chunks}`);
      else if (!scanner.isDone) window.failed("a stream ended without [DONE]");
      else if (window.isOpen) run.finished += 1;
      if (!run.isStopping) ask();
    },
  };
  const socket = await openConnection(plan.url, handlers, (reason) => {
    // While the last streams end, a server may close what is idle.
    if (isBusy || !run.isStopping) window.failed(reason);
  });
  run.sockets.push(socket);
  return ask;
}
