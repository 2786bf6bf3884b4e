import { describe, expect, it } from "vitest";
import { FakeAgent } from "../../src/test/fake-agent.ts";
import { FakeRun } from "../../src/test/fake-agent-run.ts";
import type { Mount } from "./mount.ts";
import { ask } from "./requests.ts";

const MODEL = "claude-cli-remote/sonnet";

interface Status {
  readonly agents: readonly { readonly id: string; readonly state: string }[];
}

/** connect, response, input and status, with a scripted agent that speaks the protocol over real sockets. */
export function testAgentEndpoints(mount: () => Mount): void {
  const withAgent = async (agentId: string, use: (agent: FakeAgent) => Promise<void>): Promise<void> => {
    const agent = new FakeAgent({ url: mount().url, secret: mount().agentSecret, agentId });
    try {
      await agent.start();
      await use(agent);
    } finally {
      await agent.post({ type: "goodbye", reason: "the test is over" });
      await agent.drop();
    }
  };
  const status = async (): Promise<Status> => {
    const headers = { authorization: `Bearer ${mount().adminKey}` };
    return (await (await fetch(`${mount().url}/api/agent/status`, { headers })).json()) as Status;
  };

  describe("an agent", () => {
    it("is let in with the secret only, with a stream that is open at once", async () => {
      const stranger = new FakeAgent({ url: mount().url, secret: "wrong-secret-0123456789", agentId: "stranger" });
      expect((await stranger.tryConnect())?.status).toBe(401);
      await withAgent("let-in", async () => {
        expect((await status()).agents).toContainEqual(expect.objectContaining({ id: "let-in", state: "ready" }));
      });
    });

    it("gets a token of its own by a code that its owner approves, and gives it back", async () => {
      const send = (path: string, body: object, bearer = "none") =>
        fetch(`${mount().url}${path}`, {
          method: "POST",
          headers: { authorization: `Bearer ${bearer}` },
          body: JSON.stringify(body),
        });
      const request = { agentId: "enrolled", version: "1.0.0", platform: "linux-x64" };
      const { deviceCode, userCode } = (await (await send("/api/agent/login", request)).json()) as Record<
        string,
        string
      >;
      expect((await send("/api/agent/login/approve", { userCode }, mount().apiKey)).status).toBe(200);
      const { token = "" } = (await (await send("/api/agent/login/poll", { deviceCode })).json()) as { token?: string };
      const agent = new FakeAgent({ url: mount().url, secret: token, agentId: "enrolled" });
      await agent.start();
      expect((await status()).agents).toContainEqual(expect.objectContaining({ id: "enrolled", share: "owner" }));
      expect((await agent.send("POST", "/api/agent/logout")).status).toBe(204);
      await agent.ended();
      expect((await agent.tryConnect())?.status).toBe(401);
    });

    it("gets a request, and its chunks stream to the client as it posts them", async () => {
      await withAgent("streams", async (agent) => {
        const response = ask(mount(), { model: MODEL, stream: true });
        const run = new FakeRun(await agent.event("request"));
        await agent.post([run.accept(), run.text("one ")]);
        const reader = (await response).body!.getReader();
        const decoder = new TextDecoder();
        let text = "";
        while (!text.includes("one ")) text += decoder.decode((await reader.read()).value, { stream: true });
        await agent.post([run.text("two"), run.complete()]);
        for (let next = await reader.read(); !next.done; next = await reader.read()) text += decoder.decode(next.value);
        expect(text).toContain('"two"');
        expect(text).toMatch(/data: \[DONE\]\n\n$/);
      });
    });

    it("answers a whole completion, and acknowledgements carry its numbers", async () => {
      await withAgent("whole", async (agent) => {
        const response = ask(mount(), { model: MODEL });
        const run = new FakeRun(await agent.event("request"));
        const { results } = await agent.post([run.accept(), run.text("all of it"), run.complete()]);
        expect(results).toMatchObject([{ requestId: run.requestId, ackedSeq: 3 }]);
        expect(await (await response).json()).toMatchObject({ choices: [{ message: { content: "all of it" } }] });
      });
    });

    it("fetches a large request by reference", async () => {
      await withAgent("by-reference", async (agent) => {
        const content = "x".repeat(300_000);
        const response = ask(mount(), { model: MODEL, messages: [{ role: "user", content }] });
        const request = await agent.event("request");
        const input = await agent.send("GET", request.inputUrl ?? "");
        expect([input.status, JSON.parse(input.text)]).toMatchObject([200, { messages: [{ content }] }]);
        const run = new FakeRun(request);
        await agent.post([run.accept(), run.text("read"), run.complete()]);
        expect((await response).status).toBe(200);
      });
    });

    it("is told to stop when the client goes away", async () => {
      await withAgent("cancelled", async (agent) => {
        const response = await (async () => {
          const pending = ask(mount(), { model: MODEL, stream: true });
          const run = new FakeRun(await agent.event("request"));
          await agent.post([run.accept(), run.text("begun")]);
          return await pending;
        })();
        await response.body?.cancel();
        expect(await agent.event("cancel")).toMatchObject({ reason: "client_closed" });
      });
    });

    it("is no longer ready once its connection is gone", async () => {
      await withAgent("goes-away", async (agent) => {
        await agent.drop();
        const states = async () =>
          (await status()).agents.filter((one) => one.id === "goes-away").map((one) => one.state);
        await expect.poll(states, { timeout: 10_000 }).not.toContain("ready");
      });
    });

    it("learns of a malformed message where it is wrong", async () => {
      await withAgent("malformed", async (agent) => {
        const answer = await agent.send("POST", "/api/agent/response", JSON.stringify([{ type: "chunk" }]));
        expect([answer.status, JSON.parse(answer.text)]).toMatchObject([400, { error: { param: "[0].requestId" } }]);
      });
    });
  });

  describe("the status of agents", () => {
    it("is for the operator and for client keys", async () => {
      const ofKey = await fetch(`${mount().url}/api/agent/status`, {
        headers: { authorization: `Bearer ${mount().apiKey}` },
      });
      expect([ofKey.status, (await fetch(`${mount().url}/api/agent/status`)).status]).toEqual([200, 401]);
    });
  });
}
