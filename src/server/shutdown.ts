import type { Runtime } from "../lib/runtime.ts";

/** The port of the proxy, which a server has open or worker processes have. */
export interface StoppableServer {
  readonly listening: boolean;
  /** Takes no new connections; calls back when the open ones have ended. */
  close(onClosed: () => void): unknown;
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

const POLL_MS = 20;
/** How long requests that were told to end may take to do so. */
const END_MS = 2000;
/** Time for the error frames of requests that a second signal ends. */
const LAST_WORDS_MS = 250;

/**
 * Drains and ends the proxy: new model calls are refused at once, running ones get up to `SHUTDOWN_GRACE_MS`, then rows
 * are flushed and everything is closed. While calls run on agents the port stays open, because the agents bring their
 * answers by new POSTs; with none running it closes at once. Resolves when the process may exit.
 */
async function shutDown(runtime: Runtime, server: StoppableServer): Promise<void> {
  const deadline = performance.now() + runtime.env.SHUTDOWN_GRACE_MS;
  const connectionsEnded = Promise.withResolvers<void>();
  const stopListening = (): void => {
    if (server.listening) server.close(() => connectionsEnded.resolve());
  };
  runtime.startDraining();
  if (runtime.manager.status().pendingRequests === 0) stopListening();
  await waitForEnd(runtime, deadline);
  const unfinished = runtime.activeCalls();
  if (unfinished > 0) {
    runtime.logger.warn({ unfinished }, "the grace is over: ending unfinished requests");
    runtime.endRequests();
    await waitForEnd(runtime, performance.now() + END_MS);
  }
  stopListening();
  await runtime.close();
  // What was answered last may still be on its way to a client that reads slowly.
  const sweep = setInterval(() => server.closeIdleConnections(), POLL_MS);
  const patience = setTimeout(connectionsEnded.resolve, Math.max(LAST_WORDS_MS, deadline - performance.now()));
  await connectionsEnded.promise;
  clearInterval(sweep);
  clearTimeout(patience);
  server.closeAllConnections();
}

async function waitForEnd(runtime: Runtime, deadline: number): Promise<void> {
  while (runtime.activeCalls() > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * The first SIGTERM or SIGINT drains and exits with 0; the second ends what still runs, with an error to its clients, and
 * exits with 143 or 130.
 */
export function stopOnSignals(runtime: Runtime, server: StoppableServer): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      runtime.endRequests();
      setTimeout(() => process.exit(signal === "SIGINT" ? 130 : 143), LAST_WORDS_MS);
      return;
    }
    stopping = true;
    const inFlight = runtime.activeCalls();
    const waitMs = inFlight > 0 ? runtime.env.SHUTDOWN_GRACE_MS : 0;
    runtime.logger.info({ signal, inFlight, waitMs }, "shutting down; a second signal ends running requests at once");
    shutDown(runtime, server).then(
      () => process.exit(0),
      (error: unknown) => {
        runtime.logger.error({ error }, "the shutdown failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
