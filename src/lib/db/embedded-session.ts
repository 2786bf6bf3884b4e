import type { MessagePort } from "node:worker_threads";

/** What a session needs of the embedded database. */
export interface ProtocolExecutor {
  /** Runs complete frontend messages and returns the backend's answer. */
  execute(messages: Uint8Array): Promise<Uint8Array>;
  /** Rolls back what the session left open and drops its settings, prepared statements and locks. */
  reset(): Promise<void>;
}

const STARTUP_HEADER_BYTES = 8;
const FRAME_HEADER_BYTES = 5;
const PROTOCOL_3_0 = 196_608;
/** The messages after which a client waits for an answer: Query, Sync, Flush. */
const BOUNDARIES = new Set(["Q", "S", "H"].map((letter) => letter.charCodeAt(0)));
const TERMINATE = "X".charCodeAt(0);

/**
 * Cuts a client's bytes into what may be executed: the startup packet first, then runs of messages that end where the
 * client waits for an answer, so that the messages of one query are never separated. See PostgreSQL's documentation,
 * "Frontend/Backend Protocol", message formats.
 */
export class FrontendFramer {
  #buffered = Buffer.alloc(0);
  #isStarted = false;

  /** Adds bytes; returns the runs that became complete. `terminated` tells that the client said goodbye. */
  push(chunk: Uint8Array): { runs: Uint8Array[]; terminated: boolean } {
    this.#buffered = this.#buffered.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#buffered, chunk]);
    const runs: Uint8Array[] = [];
    let start = 0;
    let offset = 0;
    let terminated = false;
    for (;;) {
      const length = this.#frameLength(offset);
      if (length === undefined || offset + length > this.#buffered.length) break;
      const type = this.#isStarted ? this.#buffered[offset] : undefined;
      offset += length;
      if (type === TERMINATE) {
        terminated = true;
        break;
      }
      if (type === undefined || BOUNDARIES.has(type)) {
        runs.push(this.#buffered.subarray(start, offset));
        start = offset;
        this.#isStarted = true;
      }
    }
    this.#buffered = this.#buffered.subarray(start);
    return { runs, terminated };
  }

  #frameLength(offset: number): number | undefined {
    const available = this.#buffered.length - offset;
    if (this.#isStarted)
      return available < FRAME_HEADER_BYTES ? undefined : 1 + this.#buffered.readUInt32BE(offset + 1);
    if (available < STARTUP_HEADER_BYTES) return undefined;
    if (this.#buffered.readUInt32BE(offset + 4) !== PROTOCOL_3_0) throw new Error("unsupported startup packet");
    return this.#buffered.readUInt32BE(offset);
  }
}

/**
 * Serves one client until it says goodbye or its port closes; then resets the session. An embedded database is one
 * backend, so the caller serves one client after the other. Never rejects because of the client's queries: their
 * errors are answers; a failure of the database itself closes the port.
 */
export async function serveSession(port: MessagePort, executor: ProtocolExecutor): Promise<void> {
  const framer = new FrontendFramer();
  let isOpen = true;
  let work = Promise.resolve();

  const handle = async (chunk: Uint8Array, finish: () => void): Promise<void> => {
    if (!isOpen) return;
    const { runs, terminated } = framer.push(chunk);
    for (const run of runs) {
      const answer = await executor.execute(run);
      const copy = new Uint8Array(answer);
      if (copy.length > 0) port.postMessage(copy, [copy.buffer]);
    }
    if (terminated) finish();
  };

  await new Promise<void>((resolve) => {
    const finish = (): void => {
      isOpen = false;
      resolve();
    };
    port.on("close", finish);
    port.on("message", (chunk: Uint8Array) => {
      work = work.then(() => handle(chunk, finish)).catch(finish);
    });
  });
  await work;
  port.close();
  await executor.reset();
}
