import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CLI_NAMES } from "../../../src/lib/cli/model-names.ts";
import { AGENT_HEADERS } from "../../../src/lib/agent/types.ts";
import { createProxyClient, type ProxyClient } from "../http-client.ts";
import { runProgram } from "../program.ts";
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
    { executors: [executor], required: ["claude"] },
    { url, credential: { source: "CODEWISE_AGENT_SECRET" } },
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
    const from = { url, credential: { source: "CODEWISE_AGENT_SECRET" } };
    const lenient = await runChecks(client, { executors: [claude, codex, gemini], required: [] }, from);
    expect(lenient.slice(2)).toEqual([
      { name: "cli", ok: true, detail: "claude 1.0.0 is ready" },
      { name: "cli", ok: true, warning: true, detail: "codex 1.0.0: log in" },
    ]);
    expect(formatReport(lenient, [])).toMatch(/^warn {2}cli {5}codex 1\.0\.0: log in$/m);
    const named = await runChecks(client, { executors: [claude, codex, gemini], required: ["gemini"] }, from);
    expect(named.slice(2)).toMatchObject([{ ok: true }, { ok: true, warning: true }, { ok: false }]);
    const strict = await runChecks(client, { executors: [claude, codex, gemini], required: CLI_NAMES }, from);
    expect(strict.slice(2).map(({ ok }) => ok)).toEqual([true, false, false]);
    const none = await runChecks(client, { executors: [gemini], required: [] }, from);
    expect(none.at(-1)).toEqual({ name: "cli", ok: false, detail: "gemini: not found" });
  });

  describe("without a credential", () => {
    let home: string;
    let printed: string;
    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), "codewise-doctor-"));
      printed = "";
      vi.spyOn(process.stdout, "write").mockImplementation((text) => {
        printed += String(text);
        return true;
      });
    });
    afterEach(() => {
      vi.restoreAllMocks();
      rmSync(home, { recursive: true });
    });

    it("checks the server and the CLIs all the same, asks the proxy for nothing else, and ends with 1", async () => {
      const asked: string[] = [];
      const inner = answer;
      answer = (request, response) => {
        asked.push(request.url ?? "");
        inner(request, response);
      };
      const args = ["doctor", "--json", "--url", url, "--claude-path", "/no/such/claude", "--work-dir", home];
      expect(await runProgram(args, { HOME: home, PATH: home })).toBe(1);
      expect(JSON.parse(printed).checks).toMatchObject([
        { name: "server", ok: true },
        {
          name: "secret",
          ok: false,
          detail: expect.stringMatching(`^not logged in at ${url}: run codewise-agent login`),
        },
        { name: "cli", ok: false, detail: expect.stringContaining("`/no/such/claude` was not found") },
        { name: "cli", ok: false, detail: expect.stringContaining("`codex` was not found") },
        { name: "cli", ok: false, detail: expect.stringContaining("`gemini` was not found") },
      ]);
      expect(asked).toEqual(["/healthz"]);
    });

    it("says of a wrong address that it is one", async () => {
      answer = (_request, response) => response.writeHead(404).end();
      const args = ["doctor", "--url", url, "--cli", "claude", "--work-dir", home];
      expect(await runProgram(args, { HOME: home, PATH: home })).toBe(1);
      expect(printed).toMatch(
        /^FAIL {2}server {2}.*is it the address of a Codewise proxy\?\nFAIL {2}secret {2}not logged in/,
      );
    });
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
