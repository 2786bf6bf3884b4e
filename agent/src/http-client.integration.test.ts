import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AGENT_HEADERS } from "../../src/lib/agent/types.ts";
import { createProxyClient, type ProxyClient } from "./http-client.ts";

/** Longer than undici keeps an idle connection by itself. */
const CLI_THINKS_MS = 6000;

let server: Server;
let client: ProxyClient;
let connections: number;
let requests: IncomingMessage[];
const signal = new AbortController().signal;

beforeEach(async () => {
  [connections, requests] = [0, []];
  server = createServer((request, response) => {
    requests.push(request);
    request.resume();
    response.end("{}");
  });
  // It names no time, as most reverse proxies do not, and closes nothing.
  server.keepAliveTimeout = 0;
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mounted/here`;
  client = createProxyClient({ url, secret: "a-secret-of-the-tests", agentId: "laptop" });
});

afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const post = (path: string) => client.exchange({ method: "POST", path, body: "[]", signal, maxBytes: 100 });

describe("the agent's connection to the proxy", () => {
  it("is still open after the seconds that a CLI thinks, so that its first text waits for no handshake", async () => {
    await post("/api/agent/response");
    await wait(CLI_THINKS_MS);
    await post("/api/agent/response");
    expect(connections).toBe(1);
  });
});

describe("a request to the proxy", () => {
  it("goes below the path that the proxy is mounted at, with its query", async () => {
    await post("/api/agent/response?try=1");
    expect(requests[0]?.url).toBe("/mounted/here/api/agent/response?try=1");
  });

  it("names the agent each time, and the versions where it connects", async () => {
    await post("/api/agent/response");
    const answer = await client.openStream("/api/agent/connect", signal);
    await answer.body.dump();
    const [posted, connected] = requests.map(({ headers }) => headers);
    expect(posted).toMatchObject({ [AGENT_HEADERS.id]: "laptop", authorization: "Bearer a-secret-of-the-tests" });
    expect(posted?.[AGENT_HEADERS.instance]).toBe(connected?.[AGENT_HEADERS.instance]);
    expect(posted).not.toHaveProperty(AGENT_HEADERS.protocol);
    expect(connected).toMatchObject({ [AGENT_HEADERS.protocol]: "1", [AGENT_HEADERS.version]: expect.any(String) });
  });
});
