/**
 * The embedded database's thread: PGlite, off the data plane's event loop. Its parent sends one MessagePort per client;
 * PostgreSQL's protocol goes over it in both directions.
 */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { describeOpenFailure } from "./describe-open-failure.ts";
import { serveSession, type ProtocolExecutor } from "./embedded-session.ts";

/** What the parent passes as `workerData`. */
export interface EmbeddedWorkerData {
  /** Folder of the database's files. */
  readonly databaseDirectory: string;
}

/** Parent to worker. */
export type EmbeddedCommand = { readonly type: "connect"; readonly port: MessagePort } | { readonly type: "close" };

/** Worker to parent, once. */
export type EmbeddedEvent = { readonly type: "ready" } | { readonly type: "failed"; readonly message: string };

async function serve(parent: MessagePort, { databaseDirectory }: EmbeddedWorkerData): Promise<void> {
  const database = await PGlite.create({ dataDir: `file://${databaseDirectory}` });
  const executor: ProtocolExecutor = {
    execute: (messages) => database.execProtocolRaw(messages),
    async reset() {
      if (database.isInTransaction()) await database.exec("ROLLBACK");
      await database.exec("DISCARD ALL");
    },
  };
  let sessions = Promise.resolve();
  let isClosing = false;

  const close = async (): Promise<void> => {
    isClosing = true;
    await sessions;
    await database.close();
    parent.close();
  };
  parent.on("message", (command: EmbeddedCommand) => {
    if (command.type === "close") {
      void close();
      return;
    }
    sessions = sessions.then(() => (isClosing ? command.port.close() : serveSession(command.port, executor)));
  });
  parent.postMessage({ type: "ready" } satisfies EmbeddedEvent, []);
}

if (parentPort !== null) {
  const parent = parentPort;
  try {
    await serve(parent, workerData as EmbeddedWorkerData);
  } catch (error) {
    parent.postMessage({ type: "failed", message: describeOpenFailure(error) } satisfies EmbeddedEvent, []);
    parent.close();
  }
}
