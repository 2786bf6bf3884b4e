import { connect, type Socket } from "node:net";
import { ResponseReader, type ResponseHandlers } from "./response-reader.ts";

/** Opens a keep-alive connection to a target and reads its responses. `failed` is told of whatever ends it that was not asked for. */
export async function openConnection(
  url: string,
  handlers: ResponseHandlers,
  failed: (reason: unknown) => void,
): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const reader = new ResponseReader(handlers);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let hasFailed = false;
  const fail = (reason: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    failed(reason);
    socket.destroy();
  };
  socket.on("error", fail);
  // `destroy()` on our side comes without an "end".
  socket.on("end", () => fail(new Error("the target closed the connection")));
  socket.on("data", (data) => {
    try {
      reader.push(data);
    } catch (error) {
      fail(error);
    }
  });
  return socket;
}
