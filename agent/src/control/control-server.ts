/** The running agent's ear for commands of its own user: a unix socket, or a named pipe on Windows; never a port. */
import { chmodSync, rmSync } from "node:fs";
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { preparePrivateFolder, writeAtomically } from "../private-files.ts";
import { takeStartLock, type StartLock } from "./start-lock.ts";
import { commandSchema, type ControlAnswer, type ControlCommand } from "./protocol.ts";
import { parseJson } from "../http-client.ts";
import type { AgentPlaces } from "./agent-places.ts";

/** The longest command that is taken, in characters. */
const MAX_COMMAND = 64 * 1024;
const MAX_CONNECTIONS = 16;
const CONNECTION_MS = 10_000;

export interface ControlServer {
  /** Ends it and takes its files away. */
  close(): Promise<void>;
}

/** Another live process has this identity. */
export class AlreadyRunningError extends Error {
  constructor() {
    super("an agent for this proxy and of this id runs already: see codewise-agent status");
    this.name = "AlreadyRunningError";
  }
}

/**
 * Listens at the agent's address; one line is answered per connection. A socket that a dead process has left is replaced.
 * Rejects with {@link AlreadyRunningError}, or with the system's error.
 */
export async function startControlServer(
  places: Pick<AgentPlaces, "address" | "marker">,
  onCommand: (command: ControlCommand) => ControlAnswer,
): Promise<ControlServer> {
  const { address, marker } = places;
  const isSocketFile = process.platform !== "win32";
  if (isSocketFile) preparePrivateFolder(dirname(address));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(socket, onCommand);
  });
  server.maxConnections = MAX_CONNECTIONS;
  if (isSocketFile) await listenInTurn(server, address);
  else await listen(server, address, undefined);
  // What goes wrong with one connection must not end the agent.
  server.on("error", () => undefined);
  if (isSocketFile) chmodSync(address, 0o600);
  preparePrivateFolder(dirname(marker));
  writeAtomically(marker, address);
  return {
    async close() {
      rmSync(marker, { force: true });
      for (const socket of sockets) socket.destroy();
      // Node removes the socket's file.
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One process after the other, since of two that find the same dead socket the later would remove the earlier one's new one. */
async function listenInTurn(server: Server, address: string): Promise<void> {
  const lock = await takeStartLock(`${address}.lock`);
  if (lock === undefined) throw new AlreadyRunningError();
  try {
    await listen(server, address, lock);
  } finally {
    lock.release();
  }
}

/** A socket that a dead process has left is replaced under the lock; a pipe of Windows goes with its process. */
async function listen(server: Server, address: string, lock: StartLock | undefined): Promise<void> {
  try {
    await listenAt(server, address);
  } catch (error) {
    if (!isCode(error, "EADDRINUSE")) throw error;
    if ((await isAlive(address)) || lock?.isHeld() !== true) throw new AlreadyRunningError();
    rmSync(address, { force: true });
    await listenAt(server, address);
  }
}

async function listenAt(server: Server, address: string): Promise<void> {
  server.listen(address);
  await once(server, "listening");
}

async function isAlive(address: string): Promise<boolean> {
  const socket = createConnection(address);
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    return !isCode(error, "ECONNREFUSED") && !isCode(error, "ENOENT");
  } finally {
    socket.destroy();
  }
}

function serve(socket: Socket, onCommand: (command: ControlCommand) => ControlAnswer): void {
  let text = "";
  socket.setEncoding("utf8");
  // The whole connection, not its silences: nobody keeps one open by a byte now and then.
  const timer = setTimeout(() => socket.destroy(), CONNECTION_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.on("error", () => socket.destroy());
  socket.on("data", (part: string) => {
    text += part;
    const end = text.indexOf("\n");
    if (end === -1 && text.length <= MAX_COMMAND) return;
    socket.removeAllListeners("data");
    socket.resume();
    const command = commandSchema.safeParse(end === -1 ? undefined : parseJson(text.slice(0, end)));
    const answer: ControlAnswer = command.success
      ? onCommand(command.data)
      : { refusal: "the running agent does not know the command: is it of another version?" };
    socket.end(`${JSON.stringify(answer)}\n`);
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
