import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP relay that can cut all connections and refuse new ones: a server that goes away and comes back. */
export interface TcpGate {
  readonly port: number;
  /** Resets every connection; new ones are closed at once. */
  shut(): void;
  /** Lets connections through again. */
  open(): void;
  /** Connections stay open, but nothing passes any more until `open`. */
  stall(): void;
  close(): Promise<void>;
}

export async function createTcpGate(target: { readonly host: string; readonly port: number }): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  let state: "open" | "shut" | "stalled" = "open";
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    track(near);
    if (state === "shut") return near.resetAndDestroy();
    const far = connect(target);
    track(far);
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    if (state === "stalled") for (const socket of [near, far]) socket.unpipe().pause();
    return undefined;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    shut() {
      state = "shut";
      for (const socket of sockets) socket.resetAndDestroy();
    },
    open() {
      if (state === "stalled") for (const socket of sockets) socket.resetAndDestroy();
      state = "open";
    },
    stall() {
      state = "stalled";
      for (const socket of sockets) socket.unpipe().pause();
    },
    async close() {
      state = "shut";
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
