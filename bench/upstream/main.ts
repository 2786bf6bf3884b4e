/**
 * The mock upstream as a process: an OpenAI-type API with canned answers on raw sockets, so that it costs a fraction of
 * any proxy. Prints `listens on <url>`.
 */
import { createServer, type AddressInfo } from "node:net";
import { serveConnection } from "./connection.ts";
import { noCounts } from "./counts.ts";
import { Pacer } from "./pacer.ts";

const pacer = new Pacer();
const counts = noCounts();
const server = createServer((socket) => serveConnection(socket, pacer, counts));
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
