import { once } from "node:events";
import { createServer } from "node:http";
import { createDispatcher } from "../lib/http/dispatch.ts";
import { createNodeContext } from "../lib/http/node-context.ts";
import { createRouter, type Route } from "../lib/http/router.ts";
import { silentLogger } from "../lib/telemetry/logger.ts";

export interface HttpHarness {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Cuts all connections and frees the port. */
  close(): Promise<void>;
}

/** Serves routes on a plain node:http server, with the router, the adapter and the error renderer of the real one. */
export async function startHttpHarness(routes: readonly Route[]): Promise<HttpHarness> {
  const dispatch = createDispatcher(createRouter(routes), silentLogger);
  const server = createServer((request, response) => void dispatch(createNodeContext(request, response)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
