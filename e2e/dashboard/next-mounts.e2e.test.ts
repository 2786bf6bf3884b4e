import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProcess, type StartedProcess } from "../support/child-process.ts";

const ROOT = join(import.meta.dirname, "../..");
const ADMIN = { authorization: "Bearer admin-key-of-the-mount-test" };
const AGENT_SECRET = "agent-secret-of-the-mount-test";

describe("the data plane where only Next runs", () => {
  let next: StartedProcess;
  let url: string;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "codewise-mounts-"));
    const args = [join(ROOT, "node_modules/next/dist/bin/next"), "start", "-H", "127.0.0.1", "-p", "0"];
    const env = { CODEWISE_ADMIN_KEY: "admin-key-of-the-mount-test", AGENT_SECRET, CODEWISE_DATA_DIR: folder };
    next = startProcess(process.execPath, args, { cwd: ROOT, env: { ...env, NEXT_TELEMETRY_DISABLED: "1" } });
    [url] = await next.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    await next.waitFor(/Ready in/);
  });
  afterAll(async () => {
    await next?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const createKey = async (): Promise<string> => {
    const body = JSON.stringify({ name: "mounts" });
    const created = await fetch(`${url}/api/admin/keys`, { method: "POST", headers: ADMIN, body });
    return ((await created.json()) as { key: string }).key;
  };

  it("is alive, and ready with its embedded database", async () => {
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 20_000 }).toBe(200);
  });

  it("answers with OpenAI error objects, request ids and Allow", async () => {
    const refused = await fetch(`${url}/v1/models`);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await refused.json()).toMatchObject({ error: { code: "invalid_api_key", param: null } });
    const wrongMethod = await fetch(`${url}/v1/models`, { method: "DELETE" });
    expect([wrongMethod.status, wrongMethod.headers.get("allow")]).toEqual([405, "GET"]);
  });

  it("reads bodies and encoded path parameters", async () => {
    const headers = { authorization: `Bearer ${await createKey()}`, "content-type": "application/json" };
    expect((await fetch(`${url}/v1/models/some%2Fmodel`, { headers })).status).toBe(404);
    const broken = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: "{" });
    expect(await broken.json()).toMatchObject({ error: { code: "invalid_json" } });
    const unknown = JSON.stringify({ model: "no-such-model", messages: [{ role: "user", content: "Hello!" }] });
    const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: unknown });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining("no-such-model") } });
  });

  it("streams to an agent and hears when it goes away", async () => {
    const abort = new AbortController();
    const stream = await fetch(`${url}/api/agent/connect`, {
      signal: abort.signal,
      headers: {
        authorization: `Bearer ${AGENT_SECRET}`,
        "x-agent-id": "mount-agent",
        "x-agent-instance": "0b1f3a52-8a5e-4a5c-9c53-0d9f5a1c2b3d",
        "x-agent-protocol": "1",
        "x-agent-version": "0.1.0",
      },
    });
    expect(stream.headers.get("content-type")).toContain("text/event-stream");
    const first = await stream.body!.getReader().read();
    expect(new TextDecoder().decode(first.value)).toContain("event: connected");
    const states = async (): Promise<string[]> => {
      const status = (await (await fetch(`${url}/api/agent/status`, { headers: ADMIN })).json()) as {
        agents: { state: string }[];
      };
      return status.agents.map((agent) => agent.state);
    };
    expect(await states()).toEqual(["connecting"]);
    abort.abort();
    await expect.poll(states, { timeout: 10_000 }).not.toContain("connecting");
  });
});
