import { MessageChannel, Worker, type MessagePort } from "node:worker_threads";
import type { Duplex } from "node:stream";
import type { Logger } from "../telemetry/logger.ts";
import type { EmbeddedCommand, EmbeddedEvent, EmbeddedWorkerData } from "./embedded-worker.ts";
import { MessagePortStream } from "./message-port-stream.ts";

const CLOSE_TIMEOUT_MS = 10_000;
const ENDED = "the embedded database's thread ended";

/** The worker's entry: the source beside this file in development, `embedded-worker.js` beside the bundle. */
export function defaultWorkerUrl(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const name = `./embedded-worker.${extension}`;
  return new URL(name, import.meta.url);
}

export interface EmbeddedOptions {
  readonly databaseDirectory: string;
  readonly workerUrl: URL;
  readonly logger: Logger;
}

interface RunningWorker {
  readonly worker: Worker;
  /** Resolves when the database accepts clients; rejects when it cannot be opened. */
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
}

/**
 * The embedded database in its worker thread. The worker is started by the first connection, and again by the next
 * one after it died, which replays the write-ahead log.
 */
export class EmbeddedDatabase {
  readonly #options: EmbeddedOptions;
  readonly #streams = new Set<Duplex>();
  #running: RunningWorker | undefined;
  #isClosed = false;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
  }

  /** A new client connection, for the `stream` option of `pg`. */
  createStream(): Duplex {
    const stream = new MessagePortStream(() => this.#connect());
    this.#streams.add(stream);
    stream.once("close", () => this.#streams.delete(stream));
    return stream;
  }

  async #connect(): Promise<MessagePort> {
    if (this.#isClosed) throw new Error("the embedded database is closed");
    const running = (this.#running ??= this.#start());
    await running.ready;
    const { port1, port2 } = new MessageChannel();
    running.worker.postMessage({ type: "connect", port: port2 } satisfies EmbeddedCommand, [port2]);
    return port1;
  }

  #start(): RunningWorker {
    const { databaseDirectory, workerUrl, logger } = this.#options;
    const worker = new Worker(workerUrl, {
      workerData: { databaseDirectory } satisfies EmbeddedWorkerData,
      name: "database",
    });
    const ready = new Promise<void>((resolve, reject) => {
      worker.once("message", (event: EmbeddedEvent) => {
        if (event.type === "ready") resolve();
        else reject(new Error(`the embedded database cannot be opened: ${event.message}`));
      });
      worker.once("exit", () => reject(new Error(ENDED)));
    });
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.on("error", (error) => logger.error({ error }, "the embedded database's thread failed"));
    worker.once("exit", (exitCode) => {
      if (!this.#isClosed) logger.error({ exitCode }, ENDED);
      this.#running = undefined;
      for (const stream of this.#streams) stream.destroy(new Error(ENDED));
    });
    return { worker, ready, exited };
  }

  /** Ends the thread at once, as a crash would; the next connection starts a new one. */
  async terminate(): Promise<void> {
    const running = this.#running;
    await running?.worker.terminate();
    await running?.exited;
  }

  /** Ends the clients' sessions, writes a checkpoint and ends the thread; by force after ten seconds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const running = this.#running;
    for (const stream of this.#streams) stream.destroy();
    if (running === undefined) return;
    running.worker.postMessage({ type: "close" } satisfies EmbeddedCommand, []);
    const timer = setTimeout(() => void running.worker.terminate(), CLOSE_TIMEOUT_MS);
    await running.exited;
    clearTimeout(timer);
  }
}
