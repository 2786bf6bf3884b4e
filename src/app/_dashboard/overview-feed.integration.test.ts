import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EventSource as UndiciEventSource } from "undici";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openOverviewFeed, type FeedState } from "./overview-feed.ts";

const overview = {
  now: "2026-11-21T10:00:00.000Z",
  version: "1.2.3",
  baseUrl: "http://127.0.0.1:3000/v1",
  database: { kind: "embedded", reachable: true, droppedRecords: 0 },
  agents: { agents: [], pendingRequests: 0, queuedRequests: 0, oldestPendingMs: null },
  providers: [],
  inFlight: [],
  requests: [],
};
const frame = (value: unknown): string => `event: overview\ndata: ${JSON.stringify(value)}\n\n`;

let server: Server;
let url: string;
let status: number;
let connections: number;
let streams: ServerResponse[];
let close: (() => void) | undefined;

beforeEach(async () => {
  status = 200;
  connections = 0;
  streams = [];
  server = createServer((_request, response) => {
    connections += 1;
    response.writeHead(status, { "content-type": status === 200 ? "text/event-stream" : "application/json" });
    if (status !== 200) {
      response.end("{}");
      return;
    }
    streams.push(response);
    response.write(`retry: 10\n\n${frame(overview)}`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  close?.();
  close = undefined;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function follow(signedIn: () => Promise<boolean> = async () => true) {
  const states: FeedState[] = [];
  const versions: string[] = [];
  const onSignedOut = vi.fn<() => void>();
  close = openOverviewFeed({
    url,
    fetchSignedIn: signedIn,
    onOverview: (received) => versions.push(received.version),
    onState: (state) => states.push(state),
    onSignedOut,
    retryMs: 10,
    newEventSource: (address) => new UndiciEventSource(address),
  });
  return { states, versions, onSignedOut };
}

describe("openOverviewFeed", () => {
  it("connects, is live with the first overview, and hands on each that follows", async () => {
    const { states, versions } = follow();
    await vi.waitFor(() => expect(versions).toEqual(["1.2.3"]));
    streams[0]?.write(frame({ ...overview, version: "1.2.4" }));
    await vi.waitFor(() => expect(versions).toEqual(["1.2.3", "1.2.4"]));
    expect(states).toEqual(["connecting", "live", "live"]);
  });

  it("reconnects after a cut", async () => {
    const { states, versions } = follow();
    await vi.waitFor(() => expect(versions).toHaveLength(1));
    streams[0]?.end();
    await vi.waitFor(() => expect(versions).toHaveLength(2));
    expect(states).toEqual(["connecting", "live", "reconnecting", "live"]);
  });

  it("opens a refused stream again while the session holds or cannot be checked", async () => {
    status = 502;
    const { versions, onSignedOut } = follow(async () => {
      throw new Error("unreachable");
    });
    await vi.waitFor(() => expect(connections).toBeGreaterThan(2));
    status = 200;
    await vi.waitFor(() => expect(versions).toHaveLength(1));
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it("reports the end of the session once, and stops", async () => {
    status = 401;
    const { onSignedOut } = follow(async () => false);
    await vi.waitFor(() => expect(onSignedOut).toHaveBeenCalledOnce());
    const seen = connections;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(connections).toBe(seen);
  });

  it("says that it cannot read an overview of another shape or no JSON, and takes the next good one", async () => {
    const { states, versions } = follow();
    await vi.waitFor(() => expect(versions).toHaveLength(1));
    streams[0]?.write(`${frame({ ...overview, agents: 3 })}event: overview\ndata: {\n\n${frame(overview)}`);
    await vi.waitFor(() => expect(versions).toHaveLength(2));
    expect(states).toEqual(["connecting", "live", "incompatible", "incompatible", "live"]);
  });

  it("is silent once it was closed", async () => {
    const { states, versions } = follow();
    await vi.waitFor(() => expect(versions).toHaveLength(1));
    close?.();
    streams[0]?.end(frame(overview));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(connections).toBe(1);
    expect([states, versions]).toEqual([["connecting", "live"], ["1.2.3"]]);
  });
});
