import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../lib/db/client.ts";
import { defaultMigrationsDirectory } from "../lib/db/migrations-directory.ts";
import { selectRecentRequests } from "../lib/db/queries/recent-requests.ts";
import { silentLogger } from "../lib/telemetry/logger.ts";
import { FakeAgent } from "../test/fake-agent.ts";
import { FakeRun } from "../test/fake-agent-run.ts";
import {
  openAICompletion,
  openAIFrames,
  startFakeOpenAIServer,
  type FakeOpenAIServer,
} from "../test/fake-openai-server.ts";
import { isAlive } from "../test/is-alive.ts";
import { TEST_AGENT_SECRET } from "../test/proxy-harness.ts";
import { readAnswer, startProxyProcess, type ProxyAnswer, type ProxyProcess } from "../test/proxy-process.ts";

const START_MS = 120_000;
const messages = [{ role: "user", content: "hi" }];
const whole = { model: "gpt-test", messages };
const streamed = { ...whole, stream: true };
const CHAT = "/v1/chat/completions";

/** Connections, made one after the other, that reach every worker: the home deals them out in turn. */
const SPREAD = 4;
const times = <Result>(count: number, act: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)));

async function inTurn<Result>(count: number, act: (index: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < count; index += 1) results.push(await act(index));
  return results;
}

interface OverviewPart {
  readonly inFlight: readonly { readonly id: string; readonly phase: string }[];
  readonly requests: readonly { readonly id: string; readonly provider: string | null; readonly status: number }[];
}

async function overview(proxy: ProxyProcess): Promise<OverviewPart> {
  return JSON.parse((await proxy.asAdmin("GET", "/api/admin/overview")).text) as OverviewPart;
}

const codeOf = (answer: ProxyAnswer): string => (JSON.parse(answer.text) as { error: { code: string } }).error.code;

describe.skipIf(process.platform !== "linux")("a proxy of two workers", () => {
  let upstream: FakeOpenAIServer;
  let proxy: ProxyProcess;
  /** Ids of all requests that must have left a row. */
  const asked: string[] = [];

  const ask = async (body: unknown, headers?: Record<string, string>): Promise<ProxyAnswer> => {
    const answer = await proxy.send("POST", CHAT, body, headers);
    if (answer.status !== 401) asked.push(String(answer.headers["x-request-id"]));
    return answer;
  };

  const shownIds = async (): Promise<string[]> => (await overview(proxy)).requests.map(({ id }) => id);

  beforeAll(async () => {
    upstream = await startFakeOpenAIServer();
    proxy = await startProxyProcess({
      WORKERS: "2",
      KEY_MAX_CONCURRENCY: "8",
      OPENAI_API_KEY: "sk-upstream",
      OPENAI_BASE_URL: upstream.baseUrl,
      AGENT_PING_INTERVAL_MS: "1000",
      LOG_LEVEL: "warn",
    });
  }, START_MS);

  afterAll(async () => {
    await proxy.remove();
    await upstream.close();
  });

  it("answers chat requests to an API in every worker, and shows and keeps all their rows", async () => {
    const answers = [
      ...(await inTurn(SPREAD, async () => await ask(whole))),
      ...(await inTurn(SPREAD, async () => await ask(streamed))),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.text).toContain("there");
    }
    const ids = answers.map(({ headers }) => String(headers["x-request-id"]));
    await expect.poll(shownIds, { timeout: 5000 }).toEqual(expect.arrayContaining(ids));
  });

  it("serves agents whichever worker a connection lands on", async () => {
    const agent = new FakeAgent({ url: proxy.url, secret: TEST_AGENT_SECRET });
    await agent.start({ maxConcurrency: 8 });
    const serve = async (): Promise<void> => {
      const request = await agent.event("request");
      const run = new FakeRun(request);
      await agent.post([run.accept(), run.text("from the ", "laptop"), run.complete()]);
    };
    const served = times(SPREAD, serve);
    const answers = await inTurn(
      SPREAD,
      async (index) => await ask({ model: "sonnet", messages, stream: index % 2 === 0 }),
    );
    await served;
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers["x-codewise-provider"]).toBe("claude-cli-remote");
      expect(answer.headers["x-codewise-agent"]).toBe("laptop");
      expect(answer.text).toContain("laptop");
    }
    const ids = new Set(answers.map(({ headers }) => String(headers["x-request-id"])));
    const rows = (await overview(proxy)).requests.filter(({ id }) => ids.has(id));
    expect(rows.map(({ provider }) => provider)).toEqual(Array(SPREAD).fill("claude-cli-remote"));
    await agent.drop();
    await expect
      .poll(async () => (await inTurn(SPREAD, () => ask({ model: "sonnet", messages }))).map(codeOf), { timeout: 5000 })
      .toEqual(Array(SPREAD).fill("no_provider_available"));
  });

  it("lets an agent in by a login, keeps it for its owner and revokes it, whichever worker is asked", async () => {
    const request = { agentId: "enrolled", version: "1.0.0", platform: "linux-x64" };
    const { deviceCode, userCode } = JSON.parse((await proxy.send("POST", "/api/agent/login", request)).text);
    expect((await proxy.asAdmin("GET", "/api/admin/agent-logins")).text).toContain('"remoteAddress":"127.0.0.1"');
    expect((await proxy.send("POST", "/api/agent/login/approve", { userCode })).status).toBe(200);
    const { token } = JSON.parse((await proxy.send("POST", "/api/agent/login/poll", { deviceCode })).text);
    const agent = new FakeAgent({ url: proxy.url, secret: token, agentId: "enrolled" });
    await agent.start({ maxConcurrency: 8 });
    const { key } = JSON.parse((await proxy.asAdmin("POST", "/api/admin/keys", { name: "stranger" })).text);
    const asStranger = { authorization: `Bearer ${key}` };
    const model = { model: "claude-cli-remote/sonnet", messages };
    const refused = await inTurn(SPREAD, () => ask(model, asStranger));
    expect(refused.map(codeOf)).toEqual(Array(SPREAD).fill("no_provider_available"));
    const served = times(SPREAD, async () => {
      const run = new FakeRun(await agent.event("request"));
      await agent.post([run.accept(), run.text("for its owner"), run.complete()]);
    });
    const answers = await inTurn(SPREAD, () => ask(model));
    await served;
    for (const answer of answers) expect(answer.text).toContain("for its owner");
    expect((await agent.send("POST", "/api/agent/logout")).status).toBe(204);
    await agent.ended();
    expect((await inTurn(SPREAD, () => agent.tryConnect())).map((answer) => answer?.status)).toEqual(
      Array(SPREAD).fill(401),
    );
  });

  it("ends an agent's work when the client of any worker goes away", async () => {
    const agent = new FakeAgent({ url: proxy.url, secret: TEST_AGENT_SECRET, agentId: "desk" });
    await agent.start({ maxConcurrency: 8 });
    const clients = await inTurn(SPREAD, async () => {
      const opened = proxy.open("POST", CHAT, { model: "sonnet", messages, stream: true });
      const request = await agent.event("request");
      const run = new FakeRun(request);
      await agent.post([run.accept(), run.text("begun")]);
      return { run, response: await opened };
    });
    for (const { response } of clients) response.destroy();
    const cancelled = await times(SPREAD, async () => (await agent.event("cancel")).requestId);
    expect(cancelled.toSorted()).toEqual(clients.map(({ run }) => run.requestId).toSorted());
    await agent.post({ type: "goodbye", reason: "the test is over" });
    await agent.drop();
  });

  it("knows a new key in every worker at once, and refuses a revoked one everywhere within a second", async () => {
    const created = await proxy.asAdmin("POST", "/api/admin/keys", { name: "short-lived" });
    const { key, id } = JSON.parse(created.text) as { key: string; id: string };
    const bearer = { authorization: `Bearer ${key}` };
    const before = await inTurn(SPREAD, () => ask(whole, bearer));
    expect(before.map(({ status }) => status)).toEqual(Array(SPREAD).fill(200));
    await proxy.asAdmin("DELETE", `/api/admin/keys/${id}`);
    const revokedAt = performance.now();
    const after = await inTurn(SPREAD, () => ask(whole, bearer));
    expect(after.map(({ status }) => status)).toEqual(Array(SPREAD).fill(401));
    expect(performance.now() - revokedAt).toBeLessThan(1000);
  });

  it("serves the admin API, its sessions and the probes through every worker", async () => {
    const { headers } = await proxy.send("POST", "/api/admin/session", { key: "test-admin-key-0123456789" });
    const cookie = headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
    expect(cookie).not.toBe("");
    const signedIn = await inTurn(SPREAD, () => proxy.send("GET", "/api/admin/session", undefined, { cookie }));
    for (const answer of signedIn) expect(JSON.parse(answer.text)).toEqual({ signedIn: true });
    const forged = { "x-codewise-relay-address": "10.0.0.1", "x-codewise-relay-request-id": "req_forged" };
    const probes = await inTurn(SPREAD, () => proxy.send("GET", "/readyz", undefined, forged));
    for (const probe of probes) {
      expect(probe.status).toBe(200);
      expect(probe.headers["x-request-id"]).toMatch(/^req_[0-9a-f]{32}$/);
    }
    expect((await proxy.send("HEAD", "/healthz")).status).toBe(200);
    expect(codeOf(await proxy.send("GET", "/v1/nothing"))).toBe("not_found");
    const tooLarge = await proxy.asAdmin("POST", "/api/admin/keys", { name: "x".repeat(5_000_000) });
    expect(tooLarge.status).toBe(413);
  });

  it("streams the overview through workers, and tells the home when a reader leaves", async () => {
    const admin = { authorization: "Bearer test-admin-key-0123456789" };
    const streams = await inTurn(SPREAD, () => proxy.open("GET", "/api/admin/events", undefined, admin));
    for (const stream of streams) {
      expect(stream.headers["content-type"]).toContain("text/event-stream");
      const [first] = await new Promise<Buffer[]>((resolve) => stream.once("data", (part: Buffer) => resolve([part])));
      expect(String(first)).toContain("event: overview");
      stream.destroy();
    }
  });

  it("shows what all workers have in flight", async () => {
    const held = Promise.withResolvers<void>();
    for (let index = 0; index < SPREAD; index += 1) {
      upstream.enqueue({ steps: [...openAIFrames().slice(0, 2), { until: held.promise }, ...openAIFrames().slice(2)] });
    }
    const running = times(SPREAD, () => ask(streamed));
    await expect
      .poll(async () => (await overview(proxy)).inFlight.map(({ phase }) => phase), { timeout: 5000 })
      .toEqual(Array(SPREAD).fill("streaming"));
    held.resolve();
    await running;
    await expect.poll(async () => (await overview(proxy)).inFlight, { timeout: 5000 }).toEqual([]);
  });

  it("lets exactly as many requests of a key run as it may, and gives back what a killed worker had", async () => {
    const held = Promise.withResolvers<void>();
    const steps = [...openAIFrames().slice(0, 2), { until: held.promise }, ...openAIFrames().slice(2)];
    for (let index = 0; index < 8; index += 1) upstream.enqueue({ steps });
    const streams = await inTurn(8, () => proxy.open("POST", CHAT, streamed));
    expect(streams.map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(200));
    const refused = await times(12, async () => await ask(whole));
    for (const answer of refused) {
      expect(answer.status).toBe(429);
      expect(codeOf(answer)).toBe("rate_limit_exceeded");
      expect(answer.headers["retry-after"]).toBe("1");
    }
    // A killed process takes the rows of its last tenth of a second along: here they are waited for.
    const refusedIds = refused.map(({ headers }) => String(headers["x-request-id"]));
    await expect.poll(shownIds, { timeout: 5000 }).toEqual(expect.arrayContaining(refusedIds));
    const answers = streams.map((stream) => readAnswer(stream));
    const [victim = 0] = proxy.workers();
    process.kill(victim, "SIGKILL");
    // Its streams break, their places are free again at once, and the others know nothing of it.
    await expect.poll(() => streams.filter(({ closed }) => closed).length, { timeout: 5000 }).toBe(4);
    const more = await times(4, async () => await ask(whole));
    expect(more.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    held.resolve();
    const ended = await Promise.all(answers);
    const finished = ended.filter(({ isWhole }) => isWhole);
    expect(finished.length).toBe(4);
    for (const { text, headers } of finished) {
      expect(text).toContain("[DONE]");
      asked.push(String(headers["x-request-id"]));
    }
    const broken = ended.filter(({ isWhole }) => !isWhole);
    expect(broken.map(({ text }) => text.includes("[DONE]"))).toEqual(Array(4).fill(false));
    await expect.poll(() => proxy.workers().length, { timeout: 10_000 }).toBe(2);
    expect(proxy.workers()).not.toContain(victim);
  });

  it("adds the metrics of all processes up", async () => {
    const { status, text } = await proxy.asAdmin("GET", "/metrics");
    expect(status).toBe(200);
    const [, starts = ""] = /^process_resident_memory_bytes (\d+)/m.exec(text) ?? [];
    expect(Number(starts)).toBeGreaterThan(0);
    const counted = [...text.matchAll(/^codewise_requests_total\{[^}]*provider="openai"[^}]*\} (\d+)/gm)];
    const before = counted.reduce((total, [, count]) => total + Number(count), 0);
    expect(before).toBeGreaterThan(0);
    await inTurn(SPREAD, () => ask(whole));
    const after = (await proxy.asAdmin("GET", "/metrics")).text;
    const recounted = [...after.matchAll(/^codewise_requests_total\{[^}]*provider="openai"[^}]*\} (\d+)/gm)];
    expect(recounted.reduce((total, [, count]) => total + Number(count), 0)).toBe(before + SPREAD);
  });

  it("drains on SIGTERM: finishes what runs, refuses what comes, keeps every row, exits with 0", async () => {
    const held = Promise.withResolvers<void>();
    const steps = [...openAIFrames().slice(0, 2), { until: held.promise }, ...openAIFrames().slice(2)];
    upstream.enqueue({ steps }, { steps });
    const streams = await inTurn(2, () => proxy.open("POST", CHAT, streamed));
    const answers = streams.map((stream) => readAnswer(stream));
    proxy.child.kill("SIGTERM");
    await expect
      .poll(
        async () =>
          await proxy.send("GET", "/healthz").then(
            () => "open",
            () => "closed",
          ),
        { timeout: 5000 },
      )
      .toBe("closed");
    held.resolve();
    for (const answer of await Promise.all(answers)) {
      expect(answer.text).toContain("[DONE]");
      asked.push(String(answer.headers["x-request-id"]));
    }
    expect(await proxy.exited).toBe(0);
    expect(readdirSync(proxy.temporaryDirectory).filter((name) => name.startsWith("codewise-home"))).toEqual([]);
    const database = await openDatabase({
      databaseUrl: undefined,
      dataDirectory: proxy.dataDirectory,
      migrationsDirectory: defaultMigrationsDirectory(),
      logger: silentLogger,
    });
    try {
      const rows = await selectRecentRequests(database, 1000);
      expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(asked));
    } finally {
      await database.close();
    }
  }, 60_000);
});

describe.skipIf(process.platform !== "linux")("limits across two workers", () => {
  let upstream: FakeOpenAIServer;
  let proxy: ProxyProcess;

  beforeAll(async () => {
    upstream = await startFakeOpenAIServer();
    proxy = await startProxyProcess({
      WORKERS: "2",
      KEY_REQUESTS_PER_MINUTE: "100",
      OPENAI_API_KEY: "sk-upstream",
      OPENAI_BASE_URL: upstream.baseUrl,
      LOG_LEVEL: "fatal",
    });
  }, START_MS);

  afterAll(async () => {
    await proxy.remove();
    await upstream.close();
  });

  it("lets exactly 100 of 200 concurrent calls through, and says truthfully when to come back", async () => {
    // An upstream's own limits are not the client's.
    const headers = { "x-ratelimit-limit-requests": "7", "x-ratelimit-remaining-requests": "6" };
    upstream.enqueue(...Array.from({ length: 50 }, () => ({ json: openAICompletion(), headers })));
    const answers = await times(200, () => proxy.send("POST", CHAT, whole));
    const admitted = answers.filter(({ status }) => status === 200);
    expect(admitted.length).toBe(100);
    const remaining = admitted.map(({ headers }) => Number(headers["x-ratelimit-remaining-requests"]));
    expect(remaining.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(new Set(answers.map((answer) => answer.headers["x-ratelimit-limit-requests"]))).toEqual(new Set(["100"]));
    for (const { status, headers: refusal } of answers.filter((answer) => answer.status !== 200)) {
      expect(status).toBe(429);
      expect(refusal["x-ratelimit-remaining-requests"]).toBe("0");
      expect(refusal["x-ratelimit-reset-requests"]).toMatch(/^(1m[01]s|5\d(\.\d+)?s)$/);
      expect(Number(refusal["retry-after-ms"])).toBeGreaterThan(40_000);
      expect(Number(refusal["retry-after-ms"])).toBeLessThanOrEqual(61_000);
    }
  });

  it("ends its workers, and leaves no socket behind, when the home is killed", async () => {
    const workers = proxy.workers();
    expect(workers.length).toBe(2);
    proxy.child.kill("SIGKILL");
    await expect.poll(() => workers.filter((pid) => isAlive(pid)), { timeout: 5000 }).toEqual([]);
    await sleep(0);
    expect(existsSync(proxy.temporaryDirectory)).toBe(true);
    expect(readdirSync(proxy.temporaryDirectory).filter((name) => name.startsWith("codewise-home"))).toEqual([]);
  });
});
