import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startUpstreams, type Mount, type Upstreams } from "../conformance/mount.ts";
import { testConformance } from "../conformance/suite.ts";
import { startProcess, type StartedProcess } from "../support/child-process.ts";
import { ADMIN_KEY, AGENT_SECRET } from "../support/proxy.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("the data plane where only Next runs", () => {
  let upstreams: Upstreams;
  let next: StartedProcess;
  let folder: string;
  let mount: Mount;

  beforeAll(async () => {
    upstreams = await startUpstreams();
    folder = mkdtempSync(join(tmpdir(), "codewise-mounts-"));
    const args = [join(ROOT, "node_modules/next/dist/bin/next"), "start", "-H", "127.0.0.1", "-p", "0"];
    const env = { CODEWISE_ADMIN_KEY: ADMIN_KEY, AGENT_SECRET, CODEWISE_DATA_DIR: folder, ...upstreams.env };
    next = startProcess(process.execPath, args, { cwd: ROOT, env: { ...env, NEXT_TELEMETRY_DISABLED: "1" } });
    const [url] = await next.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    await next.waitFor(/Ready in/);
    const created = await fetch(`${url}/api/admin/keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: JSON.stringify({ name: "mounts" }),
    });
    const { key } = (await created.json()) as { key: string };
    mount = { url, apiKey: key, adminKey: ADMIN_KEY, agentSecret: AGENT_SECRET, upstreams };
  });
  afterAll(async () => {
    await next?.stop();
    await upstreams?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  testConformance(() => mount);

  it("answers encoded path parameters", async () => {
    const headers = { authorization: `Bearer ${mount.apiKey}` };
    const answer = await fetch(`${mount.url}/v1/models/openai%2Fgpt-test`, { headers });
    expect(await answer.json()).toMatchObject({ object: "model" });
  });
});
