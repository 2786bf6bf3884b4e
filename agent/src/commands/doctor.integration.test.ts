import { createServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AGENT_HEADERS } from "../../../src/lib/agent/types.ts";
import { createProxyClient, type ProxyClient } from "../http-client.ts";
import { createScriptedExecutor } from "../testing/scripted-executor.ts";
import { formatReport, runChecks, type Check } from "./doctor.ts";

let server: Server;
let client: ProxyClient | undefined;
let url: string;
let answer: RequestListener;

const HEALTHY = JSON.stringify({ status: "ok", service: "codewise" });
const EMPTY_ANSWER = JSON.stringify({ results: [], cancels: [] });

beforeEach(async () => {
  answer = (request, response) => {
    if (request.url === "/healthz") response.end(HEALTHY);
    else response.writeHead(request.headers.authorization === "Bearer right" ? 404 : 401).end(EMPTY_ANSWER);
  };
  server = createServer((request, response) => answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await client?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function check(secret = "right", executor = createScriptedExecutor()): Promise<Record<string, Check>> {
  client = createProxyClient({ url, secret, agentId: "doctor-1" });
  const checks = await runChecks(
    client,
    { executors: [executor], areRequired: true },
    { url, source: "CODEWISE_AGENT_SECRET" },
  );
  return Object.fromEntries(checks.map((found) => [found.name, found]));
}

describe("doctor", () => {
  it("finds nothing wrong where nothing is, and asks the proxy for nothing that changes it", async () => {
    const asked: string[] = [];
    const inner = answer;
    answer = (request, response) => {
      asked.push(`${request.method} ${request.url} as ${String(request.headers[AGENT_HEADERS.id])}`);
      inner(request, response);
    };
    const { server, secret, cli } = await check();
    expect([server?.ok, secret?.ok, cli?.ok]).toEqual([true, true, true]);
    expect(cli?.detail).toBe("claude 2.1.0 is ready");
    expect(asked).toEqual(["GET /healthz as doctor-1", "POST /api/agent/response as doctor-1"]);
  });

  it("ends what the CLIs have started for it", async () => {
    const executor = createScriptedExecutor();
    await check("right", executor);
    expect([executor.probes, executor.kills]).toEqual([1, 1]);
  });

  it("tells a wrong secret from a wrong address, without quoting it", async () => {
    const found = await check("wrong-secret");
    expect(found["server"]?.ok).toBe(true);
    expect(found["secret"]).toMatchObject({ ok: false, detail: expect.stringContaining("AGENT_SECRET") });
    expect(JSON.stringify(found)).not.toContain("wrong-secret");
  });

  it.each<[string, RequestListener, string]>([
    ["is no Codewise", (_request, response) => response.end("<html>"), "not a Codewise proxy"],
    ["knows no /healthz", (_request, response) => response.writeHead(404).end(), "answered 404"],
    [
      "redirects",
      (_request, response) => response.writeHead(301, { location: "https://other.example/" }).end(),
      "https://other.example/",
    ],
    ["breaks off", (_request, response) => response.destroy(), "does not answer"],
  ])("says so when the server %s", async (_title, listener, words) => {
    answer = listener;
    const { server, secret } = await check();
    expect(server).toMatchObject({ ok: false, detail: expect.stringContaining(words) });
    expect(secret?.ok).toBe(false);
  });

  it("says so when the proxy has no agent endpoints", async () => {
    answer = (request, response) =>
      request.url === "/healthz" ? response.end(HEALTHY) : response.writeHead(404).end('{"error":{}}');
    expect((await check())["secret"]).toMatchObject({
      ok: false,
      detail: expect.stringContaining("is it a Codewise proxy"),
    });
  });

  it("hands on what the CLI needs", async () => {
    const executor = createScriptedExecutor();
    executor.readiness = { name: "claude", version: "2.1.0", ready: false, reason: "not logged in: run claude" };
    expect((await check("right", executor))["cli"]).toMatchObject({
      ok: false,
      detail: "claude 2.1.0: not logged in: run claude",
    });
  });

  it("is content with one CLI of several where none is named, and tells what the others need", async () => {
    const [claude, codex, gemini] = ["claude", "codex", "gemini"].map((name) => {
      const executor = createScriptedExecutor();
      executor.readiness = { name, version: "1.0.0", ready: true, reason: null };
      return executor;
    });
    if (claude === undefined || codex === undefined || gemini === undefined) throw new Error("no executors");
    codex.readiness = { name: "codex", version: "1.0.0", ready: false, reason: "log in" };
    gemini.readiness = { name: "gemini", version: null, ready: false, reason: "not found" };
    client = createProxyClient({ url, secret: "right", agentId: "doctor-1" });
    const from = { url, source: "CODEWISE_AGENT_SECRET" };
    const lenient = await runChecks(client, { executors: [claude, codex, gemini], areRequired: false }, from);
    expect(lenient.slice(2)).toEqual([
      { name: "cli", ok: true, detail: "claude 1.0.0 is ready" },
      { name: "cli", ok: true, detail: "codex 1.0.0: log in" },
    ]);
    const strict = await runChecks(client, { executors: [claude, codex, gemini], areRequired: true }, from);
    expect(strict.slice(2).map(({ ok }) => ok)).toEqual([true, false, false]);
    const none = await runChecks(client, { executors: [gemini], areRequired: false }, from);
    expect(none.at(-1)).toEqual({ name: "cli", ok: false, detail: "gemini: not found" });
  });

  it("prints one line for each check and warning", () => {
    const checks: Check[] = [
      { name: "server", ok: true, detail: "fine" },
      { name: "cli", ok: false, detail: "two\nlines" },
    ];
    expect(formatReport(checks, ["careful"])).toBe(
      "ok    server  fine\nFAIL  cli     two lines\nwarn          careful\n",
    );
  });
});
