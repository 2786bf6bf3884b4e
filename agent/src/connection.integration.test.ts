import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AGENT_HEADERS } from "../../src/lib/agent/types.ts";
import {
  Connection,
  type ConnectionEnd,
  type ConnectionOptions,
  type ConnectionState,
  type ServerEvent,
} from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import { createProxyClient, type ProxyClient } from "./http-client.ts";
import { silentLogger } from "./logger.ts";
import { answerJson, startScriptedProxy, TEST_SECRET, type ScriptedProxy } from "./testing/scripted-proxy.ts";

let proxy: ScriptedProxy;
let client: ProxyClient;
let stop: AbortController;
let ended: Promise<ConnectionEnd> | undefined;
let events: ServerEvent[];
let states: ConnectionState[];
/** Every wait that was asked for, in milliseconds; none is waited for. */
let waits: number[];
let clock: number;

beforeEach(async () => {
  proxy = await startScriptedProxy();
  client = createProxyClient({ url: proxy.url, secret: TEST_SECRET, agentId: "laptop" });
  stop = new AbortController();
  [events, states, waits, clock, ended] = [[], [], [], 0, undefined];
});

afterEach(async () => {
  stop.abort();
  await ended;
  await client.close();
  await proxy.close();
});

function connect(overrides: Partial<ConnectionOptions> = {}): Connection {
  const connection = new Connection({
    client,
    logger: silentLogger,
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    random: () => 1,
    now: () => clock,
    ...overrides,
  });
  ended = connection.run(stop.signal);
  return connection;
}

const refuse =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}) =>
  (response: Parameters<ScriptedProxy["accept"]>[0]): void => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    answerJson(response, status, body);
  };

describe("Connection", () => {
  it("names itself in the headers and reports the events in order", async () => {
    connect();
    await proxy.until(() => proxy.connects.length === 1);
    proxy.request("r1");
    proxy.send("from-the-future", { any: 1 });
    proxy.send("cancel", { requestId: "r1", reason: "client_closed" });
    proxy.send("ping", { now: 5 });
    await expect.poll(() => events.map((event) => event.name)).toEqual(["connected", "request", "cancel", "ping"]);
    expect(proxy.connects[0]).toMatchObject({
      authorization: `Bearer ${TEST_SECRET}`,
      [AGENT_HEADERS.id]: "laptop",
      [AGENT_HEADERS.protocol]: "1",
      [AGENT_HEADERS.instance]: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(states.map((state) => state.kind)).toEqual(["connecting", "connected"]);
  });

  it("ignores a malformed event and goes on", async () => {
    connect();
    await proxy.until(() => proxy.connects.length === 1);
    proxy.send("request", { requestId: "r1" });
    proxy.send("ping", { now: 1 });
    await expect.poll(() => events.at(-1)?.name).toBe("ping");
    expect(events).toHaveLength(2);
  });

  it("takes nothing before connected", async () => {
    proxy.connectScripts.push((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`event: ping\ndata: {"now":1}\n\n`);
      proxy.accept(Object.assign(response, { writeHead: () => response }));
    });
    connect();
    await expect.poll(() => events.map((event) => event.name)).toEqual(["connected"]);
  });

  it("waits no longer than 8 s while nothing answers, so that it is back soon after the network is", async () => {
    for (let index = 0; index < 7; index += 1) proxy.connectScripts.push((response) => response.destroy());
    connect();
    await proxy.until(() => proxy.connects.length === 8);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 8000, 8000, 8000]);
  });

  it("tries at once where it waits, when it is told that the network may be another", async () => {
    proxy.connectScripts.push(refuse(503), refuse(503));
    const asked = Promise.withResolvers<void>();
    const connection = connect({
      sleep: (ms, signal) => {
        waits.push(ms);
        asked.resolve();
        return waits.length > 1
          ? Promise.resolve()
          : new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
      },
    });
    await asked.promise;
    connection.refresh();
    await proxy.until(() => proxy.connects.length === 3);
    // The next failure counts as the first.
    expect(waits).toEqual([1000, 1000]);
  });

  it("backs off as usual after a loss, long after it was told so while it waited", async () => {
    proxy.connectScripts.push(refuse(503));
    const connection = connect({
      sleep: (ms, signal) => {
        waits.push(ms);
        return waits.length > 1
          ? Promise.resolve()
          : new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
      },
    });
    await expect.poll(() => waits).toEqual([1000]);
    connection.refresh();
    await expect.poll(() => states.at(-1)?.kind).toBe("connected");
    clock += 60_000;
    proxy.cutStream();
    await proxy.until(() => proxy.connects.length === 3);
    expect(waits).toEqual([1000, 1000]);
  });

  it("opens a stream that stood anew, when it is told that the network may be another", async () => {
    const connection = connect();
    await expect.poll(() => states.at(-1)?.kind).toBe("connected");
    connection.refresh();
    await proxy.until(() => proxy.connects.length === 2);
    await expect.poll(() => events.filter(({ name }) => name === "connected").length).toBe(2);
    expect(waits).toEqual([0]);
  });

  it("waits 1 s doubling to 30 s between failures, and from the beginning after a healthy minute", async () => {
    for (let index = 0; index < 7; index += 1) proxy.connectScripts.push(refuse(503));
    connect();
    await proxy.until(() => proxy.connects.length === 8);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    await expect.poll(() => states.at(-1)?.kind).toBe("connected");
    clock += 60_000;
    proxy.cutStream();
    await proxy.until(() => proxy.connects.length === 9);
    expect(waits.at(-1)).toBe(1000);
  });

  it("keeps on backing off when connections do not hold", async () => {
    connect();
    for (let count = 1; count <= 3; count += 1) {
      await expect.poll(() => states.filter((state) => state.kind === "connected").length).toBe(count);
      proxy.cutStream();
    }
    await proxy.until(() => proxy.connects.length === 4);
    expect(waits).toEqual([1000, 2000, 4000]);
  });

  it("spreads its waits over the whole interval", async () => {
    proxy.connectScripts.push(refuse(502), refuse(502));
    connect({ random: () => 0.25 });
    await proxy.until(() => proxy.connects.length === 3);
    expect(waits).toEqual([250, 500]);
  });

  it("takes 1.5 ping intervals of silence for a dead stream, and any byte for life", async () => {
    proxy.connected = { pingIntervalMs: 200 };
    connect();
    await proxy.until(() => proxy.connects.length === 1);
    const startedAt = performance.now();
    let pings = 0;
    const pinging = setInterval(() => {
      pings += 1;
      if (pings === 5) clearInterval(pinging);
      proxy.send("ping", { now: pings });
    }, 100);
    await proxy.until(() => proxy.connects.length === 2);
    expect(performance.now() - startedAt).toBeGreaterThan(600);
    expect(states.find((state) => state.kind === "waiting")).toMatchObject({ reason: "the proxy fell silent" });
  });

  it("gives up a stream that never says connected", async () => {
    proxy.connectScripts.push((response) =>
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders(),
    );
    connect({ firstEventTimeoutMs: 50 });
    await proxy.until(() => proxy.connects.length === 2);
    expect(states.find((state) => state.kind === "waiting")).toMatchObject({ reason: "the proxy fell silent" });
  });

  it("gives up at once, with exit code 3, when the first connection is refused for its secret", async () => {
    proxy.connectScripts.push(refuse(401));
    connect();
    const end = await ended;
    expect(end).toMatchObject({ kind: "fatal", exitCode: EXIT.unauthorized });
    expect(JSON.stringify(end)).not.toContain(TEST_SECRET);
    expect(states.at(-1)?.kind).toBe("closed");
  });

  it("tries on, slowly, when the secret is refused after it had been accepted", async () => {
    connect();
    await proxy.until(() => proxy.connects.length === 1);
    await expect.poll(() => states.at(-1)?.kind).toBe("connected");
    proxy.connectScripts.push(refuse(401));
    proxy.cutStream();
    await proxy.until(() => proxy.connects.length === 3);
    expect(waits[1]).toBeGreaterThanOrEqual(15_000);
  });

  it("gives up with a download hint when the proxy speaks another protocol", async () => {
    proxy.connectScripts.push(refuse(426, { supported: [2, 3], minimum: 2, download: "npx codewise-agent@latest" }));
    connect();
    const end = await ended;
    expect(end).toMatchObject({ kind: "fatal", exitCode: EXIT.incompatible });
    expect(end?.kind === "fatal" && end.message).toMatch(/speaks 2, 3.*npx codewise-agent@latest/);
  });

  it("tries again when its id is in use, not sooner than asked, and says what to do", async () => {
    proxy.connectScripts.push(refuse(409, {}, { "retry-after": "20" }));
    connect();
    await proxy.until(() => proxy.connects.length === 2);
    expect(waits).toEqual([20_000]);
    expect(states.find((state) => state.kind === "waiting")).toMatchObject({
      reason: expect.stringContaining("--agent-id"),
    });
  });

  it("does not follow a redirect with its secret", async () => {
    proxy.connectScripts.push(refuse(302, {}, { location: "https://elsewhere.example/" }));
    connect();
    await proxy.until(() => proxy.connects.length === 2);
    expect(states.find((state) => state.kind === "waiting")).toMatchObject({
      reason: expect.stringContaining("https://elsewhere.example/"),
    });
  });

  it("says so when the address answers something else than a stream", async () => {
    proxy.connectScripts.push(refuse(200, "<html>"), refuse(404));
    connect();
    await proxy.until(() => proxy.connects.length === 3);
    const reasons = states.flatMap((state) => (state.kind === "waiting" ? [state.reason] : []));
    expect(reasons[0]).toContain("no event stream");
    expect(reasons[1]).toContain("a Codewise proxy runs there");
  });

  it("spreads its return after a drain that ends with the stream", async () => {
    const connection = connect({ random: () => 0.5 });
    await expect.poll(() => states.at(-1)?.kind).toBe("connected");
    connection.planReconnect(9000);
    proxy.cutStream();
    await proxy.until(() => proxy.connects.length === 2);
    expect(waits).toEqual([4500]);
  });

  it("stops when told to, in the middle of a stream", async () => {
    connect();
    await expect.poll(() => states.at(-1)?.kind).toBe("connected");
    stop.abort();
    expect(await ended).toEqual({ kind: "stopped" });
  });
});
