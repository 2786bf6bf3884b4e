import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeAgent } from "../../test/fake-agent.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { startProxyHarness, TEST_ADMIN_KEY, TEST_AGENT_SECRET, type ProxyHarness } from "../../test/proxy-harness.ts";
import type { Share } from "../agent/types-login.ts";

let proxy: ProxyHarness;
let agents: FakeAgent[] = [];
let owner: { readonly id: string; readonly key: string };
let agentId = "";
let tests = 0;
beforeAll(async () => {
  proxy = await startProxyHarness({ AGENT_QUEUE_WAIT_MS: "5000", AGENT_RESUME_GRACE_MS: "0" });
});
beforeEach(async () => {
  agents = [];
  tests += 1;
  agentId = `laptop-${tests}`;
  owner = await proxy.runtime.keyStore.create("owner");
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.drop()));
  await expect.poll(() => proxy.runtime.manager.status().agents).toEqual([]);
});
afterAll(async () => await proxy.close());

const tokenOf = async (share: Share): Promise<string> =>
  (await proxy.runtime.agentStore.enrol({ agentId, keyId: owner.id, share })).token;

async function enrol(share: Share, maxConcurrency = 1): Promise<FakeAgent> {
  const agent = new FakeAgent({ url: proxy.url, secret: await tokenOf(share), agentId });
  agents.push(agent);
  await agent.start({ maxConcurrency });
  return agent;
}

async function bySecret(name: string): Promise<FakeAgent> {
  const agent = new FakeAgent({ url: proxy.url, secret: TEST_AGENT_SECRET, agentId: name });
  agents.push(agent);
  await agent.start({ maxConcurrency: 1 });
  return agent;
}

async function ask(key: string, stream = false) {
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "sonnet", stream, messages: [{ role: "user", content: "Hi" }] }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function serve(agent: FakeAgent, text: string): Promise<void> {
  const run = new FakeRun(await agent.event("request"));
  await agent.post([run.accept(), run.text(text), run.complete()]);
}

const admin = (method: string, path: string) =>
  fetch(`${proxy.url}${path}`, { method, headers: { authorization: `Bearer ${TEST_ADMIN_KEY}` } });

/** The same answer as a request gets when there is no agent. */
const NO_AGENT = { status: 503, text: expect.stringContaining("no_provider_available") };

describe("an enrolled agent", () => {
  it("serves its owner's key and no other, whose requests fare as if it were not there", async () => {
    const withoutAny = await ask(proxy.apiKey);
    const agent = await enrol("owner");
    const answer = ask(owner.key);
    await serve(agent, "for the owner");
    expect(await answer).toMatchObject({ status: 200, text: expect.stringContaining("for the owner") });
    const other = await ask(proxy.apiKey);
    expect(other).toMatchObject(NO_AGENT);
    expect([other.status, other.text]).toEqual([withoutAny.status, withoutAny.text]);
    expect(agent.unread).toEqual([]);
  });

  it("serves every key where it is shared", async () => {
    const agent = await enrol("all");
    const answer = ask(proxy.apiKey);
    await serve(agent, "for all");
    expect(await answer).toMatchObject({ status: 200, text: expect.stringContaining("for all") });
  });

  it("adds its models to what its owner's key sees, and to no other's list or routes", async () => {
    const agent = new FakeAgent({ url: proxy.url, secret: await tokenOf("owner"), agentId });
    agents.push(agent);
    await agent.start({ models: ["sonnet", "gpt-private"] });
    const listed = async (key: string): Promise<string> =>
      await (await fetch(`${proxy.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).text();
    expect(await listed(owner.key)).toContain("gpt-private");
    expect(await listed(proxy.apiKey)).not.toContain("gpt-private");
  });

  it("is shown to its owner with its work, and to no other key; a shared one without owner and work", async () => {
    const status = async (key: string): Promise<unknown> =>
      await (await fetch(`${proxy.url}/api/agent/status`, { headers: { authorization: `Bearer ${key}` } })).json();
    const agent = await enrol("owner");
    const answer = ask(owner.key);
    const run = new FakeRun(await agent.event("request"));
    expect(await status(owner.key)).toMatchObject({
      agents: [{ id: agentId, owner: { keyId: owner.id }, requests: [{ model: "sonnet" }] }],
    });
    expect(await status(proxy.apiKey)).toMatchObject({ agents: [] });
    await agent.post([run.accept(), run.text("x"), run.complete()]);
    await answer;
    await agent.drop();
    agentId = `${agentId}-shared`;
    await enrol("all");
    expect(await status(proxy.apiKey)).toMatchObject({ agents: [{ id: agentId, owner: null, requests: [] }] });
  });

  it("does not take the place of an agent of the same name that came with the shared secret", async () => {
    const common = await bySecret(agentId);
    const namesake = await enrol("owner");
    expect(proxy.runtime.manager.status().agents).toHaveLength(2);
    const answer = ask(proxy.apiKey);
    await serve(common, "from the one with the secret");
    expect((await answer).text).toContain("from the one with the secret");
    expect(namesake.unread).toEqual([]);
  });

  it("that is free is not given another key's waiting request, which waits for one that may serve it", async () => {
    const [own, common] = [await enrol("owner"), await bySecret("common")];
    const first = ask(proxy.apiKey);
    const running = new FakeRun(await common.event("request"));
    const waiting = ask(proxy.apiKey);
    await expect.poll(() => proxy.runtime.manager.status().queuedRequests).toBe(1);
    // The owner's own request passes the one that waits.
    const owners = ask(owner.key);
    await serve(own, "mine");
    expect((await owners).text).toContain("mine");
    expect(proxy.runtime.manager.status().queuedRequests).toBe(1);
    await common.post([running.accept(), running.text("first"), running.complete()]);
    await serve(common, "second");
    expect([(await first).text, (await waiting).text]).toEqual([
      expect.stringContaining("first"),
      expect.stringContaining("second"),
    ]);
    expect(own.unread).toEqual([]);
  });

  it("is refused under another agent id, at the stream and at the posts", async () => {
    const { token } = await proxy.runtime.agentStore.enrol({ agentId, keyId: owner.id, share: "owner" });
    const impostor = new FakeAgent({ url: proxy.url, secret: token, agentId: "elsewhere" });
    expect(await impostor.tryConnect()).toMatchObject({
      status: 403,
      text: expect.stringContaining("permission_denied"),
    });
    expect((await impostor.send("POST", "/api/agent/response", '{"type":"heartbeat"}')).status).toBe(403);
  });

  it("is not spoken for by another credential, even one that knows its id and instance", async () => {
    const agent = await enrol("owner");
    const answer = ask(owner.key);
    const run = new FakeRun(await agent.event("request"));
    const { instance } = agent;
    const impostor = new FakeAgent({ url: proxy.url, secret: TEST_AGENT_SECRET, agentId, instance });
    const { results } = await impostor.post([run.accept(), run.text("stolen"), run.complete()]);
    expect(results).toMatchObject([{ status: "unknown" }]);
    // Let in, it is an agent of its own beside the other.
    agents.push(impostor);
    await impostor.start();
    expect((await impostor.post([run.accept()])).results).toMatchObject([{ status: "unknown" }]);
    const again = new FakeRun({ requestId: run.requestId, attempt: 1 });
    await agent.post([again.accept(), again.text("honest"), again.complete()]);
    expect((await answer).text).toContain("honest");
  });
});

describe("revocation", () => {
  const ways: Record<string, (agent: FakeAgent) => Promise<number>> = {
    "by the operator": async () => {
      const [row] = await proxy.runtime.agentStore.list();
      return (await admin("DELETE", `/api/admin/agents/${row?.id}`)).status;
    },
    "of the owner's key": async () => (await admin("DELETE", `/api/admin/keys/${owner.id}`)).status,
    "by the agent's own logout": async (agent) => (await agent.send("POST", "/api/agent/logout")).status,
  };

  it.each(Object.keys(ways))("%s ends the stream within 5 s, and the agent cannot come back or post", async (way) => {
    const agent = await enrol("all");
    const startedAt = performance.now();
    expect([200, 204]).toContain(await ways[way]?.(agent));
    await agent.ended();
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect((await agent.tryConnect())?.status).toBe(401);
    expect((await agent.send("POST", "/api/agent/response", '{"type":"heartbeat"}')).status).toBe(401);
    expect(proxy.runtime.manager.status().agents).toEqual([]);
    const listed = await (await admin("GET", "/api/admin/agents")).json();
    expect(listed).toMatchObject({
      agents: expect.arrayContaining([expect.objectContaining({ agentId, revokedAt: expect.any(String) })]),
    });
  });

  it("moves a request that has given nothing to another agent, and fails one that has", async () => {
    const [agent, other] = [await enrol("all", 2), await bySecret("other")];
    const [first, second, third] = [ask(proxy.apiKey, true), ask(proxy.apiKey, true), ask(proxy.apiKey, true)];
    const runs = [new FakeRun(await agent.event("request")), new FakeRun(await agent.event("request"))];
    await agent.post([runs[0]!.accept(), runs[0]!.text("begun")]);
    const [row] = await proxy.runtime.agentStore.list();
    await admin("DELETE", `/api/admin/agents/${row?.id}`);
    await serve(other, "whole");
    await serve(other, "whole");
    const answers = (await Promise.all([first, second, third])).map(({ text }) => text);
    expect(answers.filter((text) => text.includes("agent_lost") && text.includes("begun"))).toHaveLength(1);
    expect(answers.filter((text) => text.includes("whole") && text.includes("[DONE]"))).toHaveLength(2);
  });

  it("of what is not there is 404", async () => {
    for (const id of ["agt_none", "%00"]) expect((await admin("DELETE", `/api/admin/agents/${id}`)).status).toBe(404);
  });
});

it("an enrolled agent's many posts cost no query each, and its last use is written at the end", async () => {
  const agent = await enrol("owner");
  const select = vi.spyOn(proxy.runtime.database.db, "select");
  for (let count = 0; count < 50; count += 1) await agent.post({ type: "heartbeat" });
  expect(select).not.toHaveBeenCalled();
  select.mockRestore();
  await proxy.runtime.agentStore.close();
  expect((await proxy.runtime.agentStore.list())[0]?.lastUsedAt).toBeInstanceOf(Date);
});
