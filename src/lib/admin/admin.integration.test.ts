import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createFakeProvider } from "../../test/fake-provider.ts";
import { createTestDatabase, type TestDatabase } from "../../test/test-database.ts";
import type { Database } from "../db/client.ts";
import { AgentStore } from "../enrolment/agent-store.ts";
import { LoginDesk } from "../enrolment/login-desk.ts";
import { createDispatcher } from "../http/dispatch.ts";
import { createNodeContext } from "../http/node-context.ts";
import { createRouter } from "../http/router.ts";
import { createSseParser, type SseEvent } from "../http/sse.ts";
import { resolveAdminKey } from "../keys/admin-key.ts";
import { createKeyStore } from "../keys/key-store.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { LiveRequests } from "../usage/live-requests.ts";
import { createAttemptLimiter } from "../limits/attempt-limiter.ts";
import { createAdminAuthorizer } from "./authorize.ts";
import { createOverviewEvents, type OverviewEvents } from "./events.ts";
import type { OverviewSources } from "./overview.ts";
import { createAdminRoutes, type AdminRoutes } from "./routes.ts";
import { createdKeySchema, keyListSchema, overviewSchema } from "./types.ts";

const ADMIN_KEY = "an-admin-key-for-tests";
const CSRF = { "x-codewise-csrf": "1" };
const noAgents = { agents: [], pendingRequests: 0, queuedRequests: 0, oldestPendingMs: null };

let test: TestDatabase;
let database: Database;
let live: LiveRequests;
let admin: AdminRoutes;
let server: Server;
let url: string;

beforeAll(async () => {
  test = await createTestDatabase("embedded");
  database = await test.open();
  await database.migrate();
});
afterAll(() => test.remove());

function newSources(): OverviewSources {
  return {
    live,
    agents: { status: () => noAgents, subscribe: () => () => undefined },
    providers: [createFakeProvider({ id: "fake", models: ["sonnet"] })],
    database,
    logWriter: { dropped: 7 },
    version: "1.2.3",
    baseUrl: () => `${url}/v1`,
  };
}

async function listen(routes: AdminRoutes["routes"]): Promise<void> {
  const handle = createDispatcher(createRouter(routes), silentLogger);
  server = createServer((request, response) => void handle(createNodeContext(request, response)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  live = new LiveRequests();
  const adminKey = await resolveAdminKey({ fromEnv: ADMIN_KEY, database, logger: silentLogger });
  const keyStore = createKeyStore({ database, logger: silentLogger });
  admin = createAdminRoutes({
    enrolment: {
      desk: new LoginDesk(),
      agentStore: new AgentStore({ database, logger: silentLogger, onRevoked: () => undefined }),
    },
    adminKey,
    keyStore,
    sources: newSources(),
    logger: silentLogger,
  });
  await listen(admin.routes);
});
afterEach(async () => {
  admin.close();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

async function send(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json: unknown = text === "" ? undefined : JSON.parse(text);
  const code = (json as { error?: { code?: string } } | undefined)?.error?.code;
  return { status: response.status, headers: response.headers, json, code };
}

async function signIn(): Promise<string> {
  const { status, headers } = await send("POST", "/api/admin/session", {}, { key: ADMIN_KEY });
  expect(status).toBe(204);
  return headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

const bearer = { authorization: `Bearer ${ADMIN_KEY}` };

describe("signing in", () => {
  it("gives a cookie that opens the admin API, and signing out takes it away", async () => {
    expect((await send("GET", "/api/admin/session")).json).toEqual({ signedIn: false });
    const cookie = await signIn();
    expect((await send("GET", "/api/admin/session", { cookie })).json).toEqual({ signedIn: true });
    expect((await send("GET", "/api/admin/overview", { cookie })).status).toBe(200);
    const out = await send("DELETE", "/api/admin/session", { cookie, ...CSRF });
    expect([out.status, out.headers.getSetCookie()[0]]).toEqual([204, expect.stringContaining("Max-Age=0")]);
  });

  it("marks the cookie Secure when a TLS terminator is in front", async () => {
    const headers = { "x-forwarded-proto": "https" };
    const secure = await send("POST", "/api/admin/session", headers, { key: ADMIN_KEY });
    expect(secure.headers.getSetCookie()[0]).toContain("; Secure");
    const plain = await send("POST", "/api/admin/session", {}, { key: ADMIN_KEY });
    expect(plain.headers.getSetCookie()[0]).not.toContain("Secure");
  });

  it.each([
    [{}, 400, "missing_required_parameter"],
    [{ key: 5 }, 400, "invalid_type"],
    [{ key: "wrong" }, 401, "invalid_api_key"],
    [{ key: "x".repeat(5000) }, 413, "request_too_large"],
  ])("refuses %j", async (body, status, code) => {
    expect(await send("POST", "/api/admin/session", {}, body)).toMatchObject({ status, code });
  });

  it("turns wrong keys away for a while after ten of them, by body or by header, and never the right one", async () => {
    for (let count = 0; count < 5; count += 1) {
      expect((await send("POST", "/api/admin/session", {}, { key: `wrong ${count}` })).status).toBe(401);
      expect((await send("GET", "/api/admin/keys", { authorization: `Bearer wrong${count}` })).status).toBe(401);
    }
    const refused = await send("POST", "/api/admin/session", {}, { key: "wrong 5" });
    expect(refused).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await send("GET", "/api/admin/keys", { authorization: "Bearer wrong5" })).status).toBe(429);
    expect((await send("GET", "/api/admin/keys", bearer)).status).toBe(200);
    expect((await send("GET", "/api/admin/keys", { cookie: await signIn() })).status).toBe(200);
  });
});

describe("the admin API", () => {
  it.each([
    ["GET", "/api/admin/keys"],
    ["POST", "/api/admin/keys"],
    ["DELETE", "/api/admin/keys/key_1"],
    ["GET", "/api/admin/overview"],
    ["GET", "/api/admin/events"],
  ])("refuses %s %s without a key, with a wrong key and with a forged cookie", async (method, path) => {
    const forged = `codewise_session=${Date.now() + 1e6}.${"A".repeat(43)}`;
    for (const headers of [{}, { authorization: "Bearer cw_wrong" }, { cookie: forged, ...CSRF }]) {
      expect(await send(method, path, headers)).toMatchObject({ status: 401, code: "invalid_api_key" });
    }
  });

  it.each([
    ["without the header", {}],
    ["with another value of the header", { "x-codewise-csrf": "0" }],
    ["from another site", { ...CSRF, "sec-fetch-site": "cross-site" }],
    ["from another origin of the same site", { ...CSRF, "sec-fetch-site": "same-site" }],
    ["of an origin with another port", { ...CSRF, origin: "http://127.0.0.1:1" }],
    ["of an opaque origin", { ...CSRF, origin: "null" }],
  ])("refuses a change by cookie %s", async (_, headers) => {
    const cookie = await signIn();
    const refused = await send("POST", "/api/admin/keys", { cookie, ...headers }, { name: "x" });
    expect(refused).toMatchObject({ status: 403, code: "csrf_rejected" });
  });

  it("takes a change by cookie from its own origin, and one by admin key from anywhere", async () => {
    const cookie = await signIn();
    const own = { cookie, ...CSRF, "sec-fetch-site": "same-origin", origin: url };
    expect((await send("POST", "/api/admin/keys", own, { name: "x" })).status).toBe(201);
    expect((await send("POST", "/api/admin/keys", bearer, { name: "x" })).status).toBe(201);
  });

  it("makes, lists and revokes keys, and shows a key once", async () => {
    const created = createdKeySchema.parse((await send("POST", "/api/admin/keys", bearer, { name: " laptop " })).json);
    expect([created.name, created.key.slice(0, 11)]).toEqual(["laptop", created.start]);
    const revoked = await send("DELETE", `/api/admin/keys/${created.id}`, bearer);
    expect(revoked.status).toBe(200);
    const list = await send("GET", "/api/admin/keys", bearer);
    const { keys } = keyListSchema.parse(list.json);
    expect(keys.find((key) => key.id === created.id)?.revokedAt).not.toBeNull();
    expect(JSON.stringify(list.json)).not.toContain(created.key);
    expect(JSON.stringify(list.json)).not.toContain("hash");
    expect(await send("DELETE", "/api/admin/keys/key_none", bearer)).toMatchObject({ status: 404, code: "not_found" });
    expect(await send("POST", "/api/admin/keys", bearer, { name: " " })).toMatchObject({ status: 400 });
  });

  it.each([
    ["a NUL", "a\0b"],
    ["an escape sequence of terminals", "\u001b[2Jx"],
    ["two lines", "a\nb"],
  ])("refuses a key's name with %s", async (_, name) => {
    const refused = await send("POST", "/api/admin/keys", bearer, { name });
    expect(refused).toMatchObject({ status: 400, code: "invalid_value", json: { error: { param: "name" } } });
  });

  it("finds no key of an id that the database cannot store", async () => {
    for (const id of ["a%00b", "x".repeat(8000)]) {
      expect(await send("DELETE", `/api/admin/keys/${id}`, bearer)).toMatchObject({ status: 404, code: "not_found" });
    }
  });

  it("shows an overview of its schema", async () => {
    live.start({
      id: "req_1",
      createdAtMs: Date.now() - 50,
      keyName: "laptop",
      requestedModel: "sonnet",
      streamed: true,
      provider: null,
      servedModel: null,
      agentId: null,
      phase: "routing",
    });
    const overview = overviewSchema.parse((await send("GET", "/api/admin/overview", bearer)).json);
    expect(overview).toMatchObject({
      version: "1.2.3",
      baseUrl: `${url}/v1`,
      database: { kind: "embedded", reachable: true, droppedRecords: 7 },
      providers: [{ id: "fake", available: true, models: ["sonnet"] }],
      inFlight: [{ id: "req_1", phase: "routing" }],
    });
    expect(overview.inFlight[0]?.ageMs).toBeGreaterThanOrEqual(50);
  });
});

describe("the event stream", () => {
  interface Reader {
    readonly response: IncomingMessage;
    readonly events: { readonly at: number; readonly event: SseEvent }[];
    readonly comments: () => number;
    close(): void;
  }

  async function openEvents(headers: Record<string, string> = bearer): Promise<Reader> {
    const request = httpRequest(`${url}/api/admin/events`, { headers });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const events: Reader["events"] = [];
    let text = "";
    const parser = createSseParser({ onEvent: (event) => events.push({ at: performance.now(), event }) });
    response.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      parser.push(chunk);
    });
    response.on("error", () => undefined);
    const close = (): void => {
      request.destroy();
    };
    onTestFinished(close);
    return { response, events, comments: () => text.split("\n: keep-alive\n").length - 1, close };
  }

  async function restart(change: { keepAliveMs?: number; maxSubscribers?: number }): Promise<OverviewEvents> {
    server.closeAllConnections();
    server.close();
    const adminKey = await resolveAdminKey({ fromEnv: ADMIN_KEY, database, logger: silentLogger });
    const authorizer = createAdminAuthorizer({ adminKey, limiter: createAttemptLimiter() });
    const events = createOverviewEvents({ sources: newSources(), authorizer, logger: silentLogger, ...change });
    onTestFinished(() => events.close());
    await listen([{ method: "GET", path: "/api/admin/events", handler: events.handler }]);
    return events;
  }

  const touch = (): void => live.preload([]);

  it("starts with the overview, and stays silent while nothing changes", async () => {
    const reader = await openEvents({ cookie: await signIn() });
    expect(reader.response.headers["content-type"]).toContain("text/event-stream");
    await expect.poll(() => reader.events.length).toBe(1);
    const [first] = reader.events;
    expect(first?.event.event).toBe("overview");
    expect(overviewSchema.safeParse(JSON.parse(first?.event.data ?? "")).success).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(reader.events).toHaveLength(1);
  });

  it("tells a burst of changes at most twice a second, and the last state always", async () => {
    const reader = await openEvents();
    await expect.poll(() => reader.events.length).toBe(1);
    const startedAt = performance.now();
    let sent = 0;
    while (performance.now() - startedAt < 1300) {
      live.start({
        id: `req_${sent}`,
        createdAtMs: Date.now(),
        keyName: null,
        requestedModel: "sonnet",
        streamed: false,
        provider: null,
        servedModel: null,
        agentId: null,
        phase: "waiting",
      });
      sent += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const lastInFlight = (): unknown =>
      overviewSchema.parse(JSON.parse(reader.events.at(-1)?.event.data ?? "{}")).inFlight.length;
    await expect.poll(lastInFlight, { timeout: 3000 }).toBe(sent);
    expect(sent).toBeGreaterThan(50);
    expect(reader.events.length).toBeLessThanOrEqual(5);
    const gaps = reader.events.slice(2).map(({ at }, index) => at - (reader.events[index + 1]?.at ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThan(400);
  });

  it("sends comments to keep the connection awake, refuses readers beyond its bound, and frees the place of one that left", async () => {
    await restart({ keepAliveMs: 30, maxSubscribers: 1 });
    const reader = await openEvents();
    await expect.poll(() => reader.comments()).toBeGreaterThan(1);
    expect(await send("GET", "/api/admin/events", bearer)).toMatchObject({ status: 429 });
    reader.close();
    await expect
      .poll(async () => {
        const next = await openEvents();
        next.close();
        return next.response.statusCode;
      })
      .toBe(200);
  });

  it("skips a reader that does not read, instead of gathering for it, and gives it the newest later", async () => {
    for (let index = 0; index < 100; index += 1) {
      live.end({
        id: `old_${index}`,
        createdAtMs: Date.now(),
        keyId: null,
        keyName: "k".repeat(20_000),
        requestedModel: "sonnet",
        servedModel: null,
        provider: null,
        agentId: null,
        status: 200,
        errorCode: null,
        promptTokens: null,
        completionTokens: null,
        cachedTokens: null,
        reasoningTokens: null,
        tokensEstimated: false,
        costUsd: null,
        firstTokenMs: null,
        totalMs: 1,
        streamed: false,
        clientGone: false,
        attempts: 1,
      });
    }
    let written = 0;
    server.prependListener("request", (_, response) => {
      const write = response.write.bind(response) as (chunk: string) => boolean;
      response.write = ((chunk: string) => {
        written += 1;
        return write(chunk);
      }) as typeof response.write;
    });
    const reader = await openEvents();
    reader.response.pause();
    for (let count = 0; count < 6; count += 1) {
      touch();
      await new Promise((resolve) => setTimeout(resolve, 550));
    }
    // Each event has two megabytes: the first may fill the socket's buffers, later ones are not written.
    expect(written).toBeLessThanOrEqual(3);
    const writtenWhilePaused = written;
    reader.response.resume();
    await expect.poll(() => written, { timeout: 5000 }).toBe(writtenWhilePaused + 1);
  });

  it("ends with the proxy", async () => {
    const reader = await openEvents();
    await expect.poll(() => reader.events.length).toBe(1);
    const ended = once(reader.response, "end");
    admin.close();
    await ended;
    expect((await send("GET", "/api/admin/events", bearer)).code).toBe("shutting_down");
  });
});
