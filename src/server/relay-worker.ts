/**
 * The entry of a worker process: takes the connections that the home gives it, serves chat requests to providers with an
 * API, and passes everything else on to the home. It does what the home says, and ends with it.
 */
import { once } from "node:events";
import { rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { readEnv } from "../lib/env.ts";
import type { HttpContext } from "../lib/http/context.ts";
import { createDispatcher } from "../lib/http/dispatch.ts";
import { toGatewayError } from "../lib/http/errors.ts";
import { sendError } from "../lib/http/respond.ts";
import { openLogDestination } from "../lib/telemetry/log-destination.ts";
import { createLogger } from "../lib/telemetry/logger.ts";
import { discardRest, readClientBody } from "../lib/workers/client-body.ts";
import { openHomeLine, type HomeEvent } from "../lib/workers/home-line.ts";
import type { HomeOffer } from "../lib/workers/messages.ts";
import { createHomeRelay, type HomeRelay } from "../lib/workers/pass-on.ts";
import { createWorkerRuntime, type WorkerRuntime } from "../lib/workers/worker-runtime.ts";
import { createListener } from "./listener.ts";

/** Time for the error frames of calls that end because the home is gone, in milliseconds. */
const LAST_WORDS_MS = 250;
const POLL_MS = 20;
const NO_PARAMS = {};

const env = readEnv();
const logDestination = openLogDestination();
const logger = createLogger(env.LOG_LEVEL, logDestination);
const started = Promise.withResolvers<WorkerRuntime>();
let place: { readonly slot: number; readonly socketPath: string; readonly relay: HomeRelay } | undefined;
let runtime: WorkerRuntime | undefined;
/** The clients' connections, open ones. */
const connections = new Set<Socket>();
let offersNow: readonly HomeOffer[] | undefined;
let isDraining = false;
let isClosing = false;

const line = openHomeLine(onHomeEvent);

const dispatchChat = createDispatcher(
  () => ({ handler: async (context) => await (await started.promise).chat(context), params: NO_PARAMS }),
  logger,
);

const server = createListener({
  slowReaderTimeoutMs: env.SLOW_READER_TIMEOUT_MS,
  handle: dispatchChat,
  isDataPlane: (request, path) => request.method === "POST" && path === "/v1/chat/completions",
  fallback: passRequestOn,
});

async function passRequestOn(request: IncomingMessage, _raw: ServerResponse, context: HttpContext): Promise<void> {
  const { requestId, remoteAddress, response } = context;
  try {
    const body = await readClientBody(request);
    if (context.clientGone) return;
    await place?.relay.passOn({
      method: request.method ?? "GET",
      target: request.url ?? "/",
      headers: request.headers,
      origin: { requestId, remoteAddress, isAdmitted: false },
      body,
      response,
      onAnswer: () => discardRest(request, response),
    });
  } catch (thrown) {
    if (!response.headersSent) discardRest(request, response);
    sendError(response, toGatewayError(thrown));
  }
}

function onHomeEvent(event: HomeEvent, handle: unknown): void {
  switch (event.codewise) {
    case "start":
      place = { slot: event.slot, socketPath: event.socketPath, relay: createHomeRelay(event.socketPath) };
      void open(dirname(event.socketPath));
      break;
    case "connection":
      if (handle instanceof Socket) takeConnection(handle);
      break;
    case "serve":
      if (place === undefined) break;
      void serve(place, event);
      break;
    case "offers":
      offersNow = event.offers;
      runtime?.updateOffers(event.offers);
      break;
    case "admitted":
      runtime?.admitKey(event.hash);
      break;
    case "revoked":
      runtime?.revokeKey(event.id);
      break;
    case "metrics":
      void tellMetrics(event.call);
      break;
    case "drain":
      void drain();
      break;
    case "end":
      runtime?.endRequests();
      break;
    case "close":
      void close();
      break;
  }
}

/**
 * Gets ready to take connections. A server has its clocks for slow requests, and can close idle connections, only once it
 * listens: it does so where nobody comes.
 */
async function open(directory: string): Promise<void> {
  server.listen(join(directory, `worker-${process.pid}`));
  await once(server, "listening");
  line.tell({ codewise: "ready" });
}

function takeConnection(socket: Socket): void {
  if (connections.size >= server.maxConnections) {
    socket.destroy();
    return;
  }
  connections.add(socket);
  socket.once("close", () => connections.delete(socket));
  server.emit("connection", socket);
  socket.resume();
}

async function serve(at: NonNullable<typeof place>, event: HomeEvent & { codewise: "serve" }): Promise<void> {
  const { loopId, offers } = event;
  const made = await createWorkerRuntime({ env, logger, logDestination, line, ...at, loopId, offers });
  // What the home has said meanwhile.
  if (offersNow !== undefined) made.updateOffers(offersNow);
  runtime = made;
  if (isDraining) runtime.startDraining();
  started.resolve(runtime);
}

async function tellMetrics(call: number): Promise<void> {
  const metrics = (await runtime?.metrics()) ?? [];
  line.tell({ codewise: "metrics", call, metrics: [...metrics] });
}

/** Refuses new calls and tells the home when those that run have ended and all rows are with it. */
async function drain(): Promise<void> {
  isDraining = true;
  runtime?.startDraining();
  let told = -1;
  for (;;) {
    const active = runtime?.activeCalls() ?? 0;
    if (active === 0) break;
    if (active !== told) line.tell({ codewise: "state", active, live: [] });
    told = active;
    await wait();
  }
  await runtime?.flush();
  line.tell({ codewise: "drained" });
}

/** Exits when all that is open has ended; the home sees to it that this takes no longer than it may. */
async function close(): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  server.close();
  while (connections.size > 0) {
    server.closeIdleConnections();
    await wait();
  }
  await runtime?.close();
  logDestination.close();
  process.exit(0);
}

function wait(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

// The home gets these signals too, or instead, and says when a worker ends.
process.on("SIGTERM", () => undefined);
process.on("SIGINT", () => undefined);
process.once("disconnect", () => {
  runtime?.startDraining();
  runtime?.endRequests();
  // A home that was killed could not do it. The folder holds nothing but the socket.
  if (place !== undefined) rmSync(dirname(place.socketPath), { recursive: true, force: true });
  setTimeout(() => process.exit(1), LAST_WORDS_MS);
});
