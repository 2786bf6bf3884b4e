/**
 * The floor: the least that a proxy on `node:http` and undici can do. Bytes in, bytes out, backpressure and cancellation;
 * no keys, no JSON, no routing, no log. `node bench/floor.ts http://upstream [port]` prints `listens on <url>`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";

const pool = new Pool(new URL(process.argv[2] ?? "").origin, { connections: 4096, headersTimeout: 0, bodyTimeout: 0 });
const server = createServer({ requestTimeout: 0 }, (request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => relay(request, response, parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts)));
});

function relay({ url = "/", headers }: IncomingMessage, response: ServerResponse, body: Buffer | null): void {
  const { authorization = "", "content-type": type = "" } = headers;
  let abort: (() => void) | undefined;
  response.once("close", () => response.writableFinished || abort?.());
  pool.dispatch(
    { method: "POST", path: url, headers: { authorization, "content-type": type }, body },
    {
      onRequestStart: (controller) => {
        abort = () => controller.abort(new Error("the client closed"));
        response.on("drain", () => controller.resume());
      },
      onResponseStart: (_controller, status, head) => {
        for (const name of ["content-type", "content-length"]) {
          if (head[name] !== undefined) response.setHeader(name, head[name]);
        }
        response.writeHead(status);
      },
      onResponseData: (controller, chunk) => {
        if (!response.write(chunk)) controller.pause();
      },
      onResponseEnd: () => response.end(),
      onResponseError: () => response.destroy(),
    },
  );
}

server.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => {
  process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
