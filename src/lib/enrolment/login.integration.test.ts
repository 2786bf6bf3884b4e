import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FakeAgent } from "../../test/fake-agent.ts";
import { startProxyHarness, TEST_ADMIN_KEY, type ProxyHarness } from "../../test/proxy-harness.ts";
import type { LoginAnswer } from "../agent/types-login.ts";

const LAPTOP = { agentId: "laptop", version: "1.0.0", platform: "linux-x64" };

let proxy: ProxyHarness;
const start = async (): Promise<void> => {
  proxy = await startProxyHarness({ AGENT_SECRET: "" });
};
const stop = async (): Promise<void> => await proxy.close();

/** Any request; `body` is JSON text, or a value to make it of. */
async function send(method: string, path: string, bearer?: string, body?: unknown) {
  const response = await fetch(`${proxy.url}${path}`, {
    method,
    headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}
const begin = async (agentId = "laptop"): Promise<LoginAnswer> => {
  return (await send("POST", "/api/agent/login", undefined, { ...LAPTOP, agentId })).body;
};
const poll = (deviceCode: string) => send("POST", "/api/agent/login/poll", undefined, { deviceCode });
const keyId = async (): Promise<string> => (await proxy.runtime.keyStore.list())[0]?.id ?? "";

describe("the login of an agent by a short code", () => {
  beforeEach(start);
  afterEach(stop);

  it("ends in a token that lets it in without any AGENT_SECRET, once its key's owner has approved; the poll after it gives nothing", async () => {
    const { deviceCode, userCode, expiresInMs, intervalMs } = await begin();
    expect(deviceCode).toMatch(/^\w{43}$/);
    expect(userCode).toMatch(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
    expect([expiresInMs, intervalMs]).toEqual([600_000, 2000]);
    expect(await poll(deviceCode)).toMatchObject({ status: 200, body: { status: "pending" } });
    const tooFast = await poll(deviceCode);
    expect([tooFast.status, tooFast.headers.get("retry-after")]).toEqual([429, "2"]);

    const approved = await send("POST", "/api/agent/login/approve", proxy.apiKey, { userCode: userCode.toLowerCase() });
    const seen = { agentId: "laptop", platform: "linux-x64", remoteAddress: "127.0.0.1" };
    expect(approved).toMatchObject({ status: 200, body: { ...seen, keyId: await keyId(), share: "owner" } });
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const answer = await poll(deviceCode);
    const approval = { status: "approved", agentId: "laptop", owner: "test", share: "owner" };
    expect(answer).toMatchObject({ status: 200, body: approval });
    const { token } = answer.body;
    expect(token).toMatch(/^cwa_\w{43}$/);
    expect(await poll(deviceCode)).toMatchObject({ status: 410, body: { error: { code: "agent_login_ended" } } });

    const agent = new FakeAgent({ url: proxy.url, secret: token });
    await agent.start();
    const status = (await send("GET", "/api/agent/status", proxy.apiKey)).body;
    expect(status.agents).toMatchObject([
      { id: "laptop", owner: { keyId: await keyId(), name: "test" }, share: "owner", state: "ready" },
    ]);
    const overview = (await send("GET", "/api/admin/overview", TEST_ADMIN_KEY)).body;
    expect(overview.agents.agents).toEqual(
      status.agents.map((one: object) => ({ ...one, lastActivity: expect.any(String) })),
    );
    await agent.drop();
  });

  it("is not shared with all keys by the owner of one, and waits on", async () => {
    const { userCode, deviceCode } = await begin();
    const refused = await send("POST", "/api/agent/login/approve", proxy.apiKey, { userCode, share: "all" });
    expect(refused).toMatchObject({ status: 403, body: { error: { code: "permission_denied", param: "share" } } });
    expect(await poll(deviceCode)).toMatchObject({ body: { status: "pending" } });
  });

  it("is listed for the operator, who approves it for a key or denies it", async () => {
    const [first, second] = [await begin("first"), await begin("second")];
    const listed = await send("GET", "/api/admin/agent-logins", TEST_ADMIN_KEY);
    expect(listed.body.logins).toMatchObject([
      { userCode: first.userCode, agentId: "first", platform: "linux-x64", remoteAddress: "127.0.0.1" },
      { userCode: second.userCode, agentId: "second", ageMs: expect.any(Number) },
    ]);
    expect(JSON.stringify(listed.body)).not.toContain(first.deviceCode);
    const path = (code: string) => `/api/admin/agent-logins/${code}`;
    const approval = { keyId: await keyId(), share: "all" };
    expect(await send("POST", path(first.userCode), TEST_ADMIN_KEY, approval)).toMatchObject({ status: 200 });
    expect((await send("DELETE", path(second.userCode), TEST_ADMIN_KEY)).status).toBe(204);
    expect((await send("GET", "/api/admin/agent-logins", TEST_ADMIN_KEY)).body).toEqual({ logins: [] });
    expect(await poll(first.deviceCode)).toMatchObject({ body: { status: "approved" } });
    expect(await poll(second.deviceCode)).toMatchObject({
      status: 410,
      body: { error: { code: "agent_login_ended" } },
    });
    const agents = (await send("GET", "/api/admin/agents", TEST_ADMIN_KEY)).body.agents;
    expect(agents).toMatchObject([
      { id: expect.stringMatching(/^agt_/), agentId: "first", share: "all", revokedAt: null },
    ]);
  });

  it("is not approved for a key that is none, or under the name of another owner's agent, and can be then for the right one", async () => {
    const { key: otherKey, id: otherId } = await proxy.runtime.keyStore.create("other");
    await proxy.runtime.agentStore.enrol({ agentId: "laptop", keyId: otherId, share: "owner" });
    const { userCode } = await begin();
    const path = `/api/admin/agent-logins/${userCode}`;
    expect((await send("POST", path, TEST_ADMIN_KEY, { keyId: "key_none" })).status).toBe(404);
    const refused = await send("POST", "/api/agent/login/approve", proxy.apiKey, { userCode });
    expect(refused).toMatchObject({ status: 409, body: { error: { code: "conflict" } } });
    expect((await send("POST", "/api/agent/login/approve", otherKey, { userCode })).status).toBe(200);
  });

  it("is refused to a key that has twenty agents, but for one of their names", async () => {
    const owner = await keyId();
    for (let count = 0; count < 20; count += 1) {
      await proxy.runtime.agentStore.enrol({ agentId: `agent-${count}`, keyId: owner, share: "owner" });
    }
    const claim = (agentId: string) => proxy.runtime.agentStore.requireClaim({ agentId, keyId: owner });
    await expect(claim("one-more")).rejects.toMatchObject({ code: "conflict" });
    await claim("agent-7");
  });

  it("takes the place of the same owner's earlier one, whose token ends", async () => {
    const owner = await keyId();
    const { token: earlier } = await proxy.runtime.agentStore.enrol({
      agentId: "laptop",
      keyId: owner,
      share: "owner",
    });
    const agent = new FakeAgent({ url: proxy.url, secret: earlier });
    await agent.start();
    const { token } = await proxy.runtime.agentStore.enrol({ agentId: "laptop", keyId: owner, share: "all" });
    await agent.ended();
    expect((await agent.tryConnect())?.status).toBe(401);
    const next = new FakeAgent({ url: proxy.url, secret: token });
    await next.start();
    await next.drop();
  });

  it("cannot be begun at will from one address, which is told when to come back", async () => {
    for (let count = 0; count < 5; count += 1) await begin();
    const refused = await send("POST", "/api/agent/login", undefined, LAPTOP);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
  });

  it("cannot be approved by guessing: after five wrong codes even the right one is refused, the operator's likewise", async () => {
    const { userCode } = await begin();
    const guess = (code: string) => send("POST", "/api/agent/login/approve", proxy.apiKey, { userCode: code });
    const asOperator = (code: string) => send("DELETE", `/api/admin/agent-logins/${code}`, TEST_ADMIN_KEY);
    for (let count = 0; count < 5; count += 1) {
      expect((await guess("BBBB-BBBB")).status).toBe(404);
      expect((await asOperator("BBBB-BBBB")).status).toBe(404);
    }
    const refused = await guess(userCode);
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "rate_limit_exceeded" } } });
    expect(refused.headers.has("retry-after")).toBe(true);
    expect((await asOperator(userCode)).status).toBe(429);
    expect((await send("GET", "/api/admin/agent-logins", TEST_ADMIN_KEY)).body.logins).toHaveLength(1);
  });
});

describe("the endpoints of a login", () => {
  beforeAll(start);
  afterAll(stop);

  it.each(["/api/agent/login", "/api/agent/login/poll", "/api/agent/login/approve"])(
    "refuse hostile bodies at %s with 400 or 413, and nothing comes of them",
    async (path) => {
      const deep = "[".repeat(2000);
      const control = { ...LAPTOP, platform: "\u001b[2J", deviceCode: "", userCode: "" };
      const long = { ...LAPTOP, agentId: "x".repeat(129), deviceCode: "x".repeat(129), userCode: "x".repeat(33) };
      for (const body of ["", "{", "null", "[]", '{"__proto__":{}}', deep, '"\xff"', control, long]) {
        const { status } = await send("POST", path, proxy.apiKey, body);
        expect([status, body]).toEqual([400, body]);
      }
      expect((await send("POST", path, proxy.apiKey, { deviceCode: "x".repeat(5000) })).status).toBe(413);
      expect((await send("GET", "/api/admin/agent-logins", TEST_ADMIN_KEY)).body).toEqual({ logins: [] });
    },
  );

  it("let nobody list, approve, deny or revoke without the right key", async () => {
    const userCode = "BCDF-GHJK";
    for (const bearer of [undefined, "cw_none", proxy.apiKey, "cwa_none"]) {
      for (const [method, path] of [
        ["GET", "/api/admin/agents"],
        ["DELETE", "/api/admin/agents/agt_1"],
        ["GET", "/api/admin/agent-logins"],
        ["POST", `/api/admin/agent-logins/${userCode}`],
        ["DELETE", `/api/admin/agent-logins/${userCode}`],
      ] as const) {
        expect([401, 429]).toContain((await send(method, path, bearer, method === "POST" ? {} : undefined)).status);
      }
    }
    for (const bearer of [undefined, "cw_none", "cwa_none", TEST_ADMIN_KEY]) {
      expect((await send("POST", "/api/agent/login/approve", bearer, { userCode })).status).toBe(401);
      expect((await send("POST", "/api/agent/logout", bearer)).status).toBe(401);
    }
  });
});
