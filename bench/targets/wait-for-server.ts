import { connect, createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const PORT_POLL_MS = 2;
const ANSWER_POLL_MS = 100;

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves once the port takes connections; rejects with the signal's reason. */
export async function waitForPort(port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await isOpen(port)) return;
    await sleep(PORT_POLL_MS);
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const settle = (open: boolean): void => {
      resolve(open);
      socket.destroy();
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

/** Resolves with the origin once the path answers, whatever the status under 500. */
export async function waitForAnswer(origin: string, path: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const response = await fetch(origin + path, { signal });
      await response.arrayBuffer();
      if (response.status < 500) return origin;
    } catch {
      signal.throwIfAborted();
    }
    await sleep(ANSWER_POLL_MS);
  }
}
