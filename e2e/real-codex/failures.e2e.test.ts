import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "../../src/lib/http/errors.ts";
import { respond, responseEvents, responseFrame } from "../../src/test/fake-responses-server.ts";
import type { ReceivedRequest, ScriptedReply } from "../../src/test/fake-scripted-server.ts";
import { codexProgram, startRealCodex, type RealCodex, type SentBody } from "./harness.ts";

const refused = (
  status: number,
  error: Record<string, unknown>,
  headers: Record<string, string> = {},
): ScriptedReply => ({
  status,
  json: { error },
  headers,
});
const failed = (error: Record<string, unknown>): ScriptedReply => ({
  steps: [
    responseFrame({ type: "response.created", response: { id: "r" } }),
    responseFrame({ type: "response.failed", response: { id: "r", status: "failed", error } }),
  ],
});
const SLOW = respond({ pieces: Array.from({ length: 100 }, (_, index) => `${index} `), pieceDelayMs: 50 });

/** The text of the last user message that the CLI sent. */
function promptOf({ body }: ReceivedRequest): string {
  const [part] = ((body as SentBody).input.at(-1)?.["content"] ?? []) as readonly { text?: string }[];
  return part?.text ?? "";
}

describe.skipIf(codexProgram() === undefined)("failures with codex", () => {
  let codex: RealCodex;
  beforeEach(async () => {
    codex = await startRealCodex();
  });
  afterEach(() => codex.close());

  it("are told by their kind after one request and without delay", async () => {
    const resetsAt = Math.floor(Date.now() / 1000) + 3600;
    const cases: readonly (readonly [ScriptedReply, string, boolean])[] = [
      [refused(401, { message: "bad key", code: "invalid_api_key" }), "upstream_unauthorized", true],
      [refused(403, { message: "no" }), "upstream_unauthorized", true],
      [
        refused(404, { message: "The model `x` does not exist", code: "model_not_found" }),
        "upstream_model_not_found",
        true,
      ],
      [refused(413, { message: "too big" }), "request_too_large", false],
      [
        refused(429, { message: "slow down", code: "rate_limit_exceeded" }, { "retry-after": "2" }),
        "rate_limit_exceeded",
        true,
      ],
      [
        refused(429, { message: "You exceeded your quota", code: "insufficient_quota", type: "insufficient_quota" }),
        "insufficient_quota",
        true,
      ],
      [refused(500, { message: "boom" }), "upstream_error", true],
      [refused(503, { message: "x", code: "server_is_overloaded" }), "upstream_overloaded", true],
      [{ fail: "drop" }, "upstream_connection_failed", true],
      [{ steps: ["<html>"], headers: { "content-type": "text/html" } }, "upstream_incomplete", true],
      [failed({ code: "context_length_exceeded", message: "too long" }), "context_length_exceeded", false],
      [failed({ code: "server_error", message: "oops" }), "upstream_error", true],
      [failed({ code: "invalid_prompt", message: "Invalid prompt: flagged" }), "content_policy_violation", false],
    ];
    for (const [reply, code, failover] of cases) {
      const before = codex.upstream.requests.length;
      const startedAt = performance.now();
      codex.reply(reply);
      const error = await codex.fail({});
      expect({ code: error.code, failover: error.failover }).toEqual({ code, failover });
      expect(error.message).not.toContain("127.0.0.1");
      expect(codex.upstream.requests.length - before).toBe(1);
      expect(performance.now() - startedAt).toBeLessThan(2000);
    }
    codex.reply(
      refused(
        429,
        { type: "usage_limit_reached", message: "limit", resets_at: resetsAt },
        {
          "x-codex-primary-used-percent": "100",
          "x-codex-primary-window-minutes": "300",
          "x-codex-primary-reset-at": String(resetsAt),
        },
      ),
    );
    const limit = await codex.fail({});
    expect(limit.code).toBe("usage_limit_reached");
    expect(limit.retryAfterMs).toBeGreaterThan(3_500_000);
    codex.reply(failed({ code: "rate_limit_exceeded", message: "Rate limit reached. Please try again in 11.5s." }));
    expect(await codex.fail({})).toMatchObject({ code: "rate_limit_exceeded", retryAfterMs: 11_500 });
    codex.reply(respond({}));
    expect((await codex.ask({})).text).toBe("Hello there!");
  });

  it("of an invalid request are told in the API's words, without secrets", async () => {
    codex.reply(refused(400, { message: "Invalid value: 'x' with sk-secret-1234567", code: "invalid_value" }));
    const error = await codex.fail({});
    expect(error.code).toBe("invalid_request");
    expect(error.message).toContain("Invalid value: 'x'");
    expect(error.message).not.toContain("sk-secret");
  });

  it("of a login that is missing are told without asking the upstream", async () => {
    const other = await startRealCodex({ isLoggedIn: false });
    try {
      expect((await other.fail({})).code).toBe("cli_not_logged_in");
      expect(await other.executor.probe()).toMatchObject({
        ready: false,
        reason: expect.stringContaining("codex login"),
      });
      expect(other.upstream.requests).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it("of a configuration that the CLI cannot read are told the owner", async () => {
    await writeFile(join(codex.codexHome, "config.toml"), 'profile = "gone"\n');
    expect(await codex.fail({})).toMatchObject({ code: "cli_output_invalid", failover: true });
    expect(await codex.executor.probe()).toMatchObject({ ready: false, reason: expect.stringContaining("profile") });
  });

  it("with a provider of the owner's are as quick, and its key is passed by name only", async () => {
    const provider = `model_provider = "mine"\n[model_providers.mine]\nname = "Mine"\nbase_url = "BASE_URL"\nwire_api = "responses"\nenv_key = "MY_KEY"\n`;
    const options = { config: provider, isLoggedIn: false, variables: { MY_KEY: "sk-fake-of-mine" } };
    const without = await startRealCodex(options);
    const other = await startRealCodex({ ...options, passEnvironment: ["MY_KEY"] });
    try {
      expect((await without.fail({})).code).toBe("cli_not_logged_in");
      expect(without.upstream.requests).toEqual([]);
      expect(await other.executor.probe()).toMatchObject({ ready: true });
      expect((await other.ask({})).text).toBe("Hello there!");
      expect(other.upstream.requests[0]?.headers.authorization).toBe("Bearer sk-fake-of-mine");
      other.reply(refused(500, { message: "boom" }));
      expect((await other.fail({})).code).toBe("upstream_error");
      other.reply({ steps: responseEvents({}).slice(0, 5).map(responseFrame), end: "drop" });
      expect((await other.fail({})).code).toBe("upstream_incomplete");
      expect(other.upstream.requests).toHaveLength(3);
    } finally {
      await without.close();
      await other.close();
    }
  });

  it("within an answer end it, and it is not begun again", async () => {
    codex.reply({ steps: responseEvents({}).slice(0, 5).map(responseFrame), end: "drop" });
    let text = "";
    const error = await codex.fail({}, {}, (given) => (text = given));
    expect(text).toBe("Hello there");
    expect(error.code).toBe("upstream_incomplete");
    await wait(500);
    expect(codex.upstream.requests).toHaveLength(1);
  });

  it("tell a full answer from one that was cut by the model's limits", async () => {
    codex.reply(respond({ pieces: ["par", "tial"], incomplete: "max_output_tokens" }));
    const answer = await codex.ask({});
    expect(answer).toMatchObject({
      text: "partial",
      outcome: { finishReason: "length", usage: { total_tokens: 1242 } },
    });
    codex.reply(respond({ pieces: ["par", "tial"], incomplete: "content_filter" }));
    expect((await codex.ask({})).outcome.finishReason).toBe("content_filter");
  });

  it("take an answer without any content for none", async () => {
    const refusal = {
      type: "message",
      id: "m",
      role: "assistant",
      content: [{ type: "refusal", refusal: "I will not" }],
    };
    codex.reply(respond({ items: [refusal] }));
    expect(await codex.fail({})).toMatchObject({ code: "upstream_invalid_response", failover: true });
  });

  it("by cancellation close the upstream at once and leave the process to others", async () => {
    codex.reply(({ ...request }) => (promptOf(request).startsWith("long") ? SLOW : respond({ pieces: ["short"] })));
    const stop = new AbortController();
    const long = codex.fail({ messages: [{ role: "user", content: "long" }] }, { signal: stop.signal }, (text) => {
      if (text.startsWith("0 1 2 ")) stop.abort(new GatewayError("client_closed_request", "gone"));
    });
    const closed = (await codex.upstream.request(0)).closed;
    expect((await long).code).toBe("client_closed_request");
    const startedAt = performance.now();
    expect(await closed).toBe("cut");
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect((await codex.ask({})).text).toBe("short");
    expect(codex.executor.running()).toBe(0);
  });

  it("by a deadline are told as such, and close the upstream", async () => {
    codex.reply(SLOW);
    const error = await codex.fail({}, { deadlineMs: 1200 });
    expect(error.code).toBe("deadline_exceeded");
    expect(await codex.upstream.requests[0]?.closed).toBe("cut");
  });

  it("by cancellation before the turn send nothing upstream", async () => {
    const stop = new AbortController();
    const failing = codex.fail({}, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    expect((await failing).code).toBe("cancelled");
    await wait(600);
    expect(codex.upstream.requests).toEqual([]);
    expect((await codex.ask({})).text).toBe("Hello there!");
  });

  it("of the process fail what runs on it, and the next request has another", async () => {
    codex.reply(SLOW);
    const running = codex.fail({}, {}, () => undefined);
    const first = await codex.upstream.request(0);
    await wait(300);
    process.kill(await appServerOf(first), "SIGKILL");
    expect(await running).toMatchObject({ code: "cli_crashed", failover: true });
    codex.reply(respond({}));
    expect((await codex.ask({})).text).toBe("Hello there!");
  });

  it("leave no process behind, neither the npm wrapper nor the native program", async () => {
    await codex.ask({});
    expect((await processesOf(codex.home)).length).toBeGreaterThan(0);
    await codex.executor.killAll();
    expect(await processesOf(codex.home)).toEqual([]);
  });

  it("never mix four requests at a time on one process", async () => {
    codex.reply((request) => {
      const prompt = promptOf(request);
      return respond({ pieces: Array.from({ length: 30 }, (_, index) => `${prompt}:${index} `), pieceDelayMs: 10 });
    });
    const answers = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => {
        const messages = [
          { role: "system" as const, content: `secret of ${name}` },
          { role: "user" as const, content: name },
        ];
        return { name, answer: await codex.ask({ messages }) };
      }),
    );
    for (const { name, answer } of answers) {
      expect(answer.text).toBe(Array.from({ length: 30 }, (_, index) => `${name}:${index} `).join(""));
    }
    expect(codex.upstream.requests).toHaveLength(4);
    for (const request of codex.upstream.requests) {
      expect(request.text.match(/secret of [a-d]/g)).toEqual([`secret of ${promptOf(request)}`]);
    }
    const sessions = new Set(codex.upstream.requests.map(({ headers }) => headers["session-id"]));
    expect(sessions.size).toBe(4);
  });
});

/** The process whose connection this is. */
async function appServerOf({ remotePort = 0 }: ReceivedRequest): Promise<number> {
  const hex = remotePort.toString(16).toUpperCase().padStart(4, "0");
  const table = await readFile("/proc/net/tcp", "utf8");
  const inode = table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[1]?.endsWith(`:${hex}`))?.[9];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const links = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const link of links) {
      const target = await readlink(`/proc/${pid}/fd/${link}`).catch(() => "");
      if (target === `socket:[${inode}]`) return Number(pid);
    }
  }
  throw new Error("the process was not found");
}

/** The processes that were started with this home. */
async function processesOf(home: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map(async (pid) => ({ pid, text: await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "") })),
  );
  return environments.filter(({ text }) => text.includes(`HOME=${home}\0`)).map(({ pid }) => pid);
}
