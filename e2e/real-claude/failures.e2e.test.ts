import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLAUDE_VERSIONS } from "../../scripts/fetch-claude.ts";
import { toProcessEnv } from "../../src/lib/cli/process-group.ts";
import { anthropicEvents, anthropicFrames } from "../../src/test/fake-anthropic-server.ts";
import type { ScriptedReply } from "../../src/test/fake-scripted-server.ts";
import { apiError, PASSED, programOf, startRealClaude, type RealClaude } from "./harness.ts";

/** The start of an answer, as far as its second piece. */
const begun = anthropicFrames(anthropicEvents({ model: "claude-opus-5-5" })).slice(0, 5);
const endless: ScriptedReply = { steps: begun, end: "hang" };

describe.each(CLAUDE_VERSIONS)("a failure of claude %s", (version) => {
  const program = programOf(version);
  let claude: RealClaude;

  beforeEach(async () => {
    claude = await startRealClaude(program ?? "");
  });
  afterEach(() => claude.close());

  it.skipIf(program === undefined).each([
    ["401", apiError(401, "authentication_error", "invalid x-api-key"), "upstream_unauthorized"],
    ["404", apiError(404, "not_found_error", "model: x"), "upstream_model_not_found"],
    ["400", apiError(400, "invalid_request_error", "messages.0: bad"), "invalid_request"],
    [
      "a prompt too long",
      apiError(400, "invalid_request_error", "prompt is too long: 215000 tokens > 200000 maximum"),
      "context_length_exceeded",
    ],
    [
      "an empty account",
      apiError(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
      "upstream_billing",
    ],
    ["429", apiError(429, "rate_limit_error", "slow down", { "retry-after": "600" }), "rate_limit_exceeded"],
    ["500", apiError(500, "api_error", "Internal server error"), "upstream_error"],
    ["529", apiError(529, "overloaded_error", "Overloaded"), "upstream_overloaded"],
    ["a dropped connection", { fail: "drop" } satisfies ScriptedReply, "upstream_connection_failed"],
  ] as const)("tells %s", async (_, reply, code) => {
    claude.reply(reply);
    expect(await claude.fail({})).toMatchObject({ code });
    // One more try at most, with 2.1.197's and 2.1.329's own repetitions of some statuses.
    expect(claude.upstream.requests.length).toBeLessThanOrEqual(3);
    expect(claude.executor.running()).toBe(0);
  });

  it.skipIf(program === undefined)("fails an answer that was cut off, and repeats nothing", async () => {
    // The pause lets the CLI read what was sent before the connection breaks.
    claude.reply({ steps: [...begun, { delayMs: 300 }], end: "drop" });
    let text = "";
    await expect(claude.ask({}, {}, (soFar) => (text = soFar))).rejects.toMatchObject({
      code: expect.stringMatching(/^(cli_repeated_output|upstream_connection_failed)$/),
    });
    expect(text).toBe("Hello there");
  });

  it.skipIf(program === undefined)("gets over a fault before any output by itself", async () => {
    claude.upstream.enqueue(apiError(500, "api_error", "Internal server error"));
    expect((await claude.ask({})).text).toBe("Hello there!");
    expect(claude.upstream.requests).toHaveLength(2);
  });

  it.skipIf(program === undefined)("closes the upstream and ends the group within 2 s of an abort", async () => {
    claude.reply(endless);
    const controller = new AbortController();
    let abortedAt = 0;
    const run = claude.ask({}, { signal: controller.signal }, (text) => {
      if (text !== "Hello there") return;
      abortedAt = performance.now();
      controller.abort();
    });
    await expect(run).rejects.toMatchObject({ code: "cancelled" });
    expect(claude.executor.running()).toBe(0);
    expect(await claude.upstream.requests[0]?.closed).toBe("cut");
    expect(performance.now() - abortedAt).toBeLessThan(2000);
  });

  it.skipIf(program === undefined)("ends a silent answer by the idle clock", async () => {
    claude.reply(endless);
    expect(await claude.fail({}, { idleTimeoutMs: 700 })).toMatchObject({ code: "upstream_timeout" });
    expect(await claude.upstream.requests[0]?.closed).toBe("cut");
  });

  it.skipIf(program === undefined)("leaves no CLI running when its host is killed with SIGKILL", async () => {
    claude.reply(endless);
    const folder = await mkdtemp(join(tmpdir(), "real-claude-host-"));
    const hostProgram = join(import.meta.dirname, "..", "..", "src", "test", "claude-stand-in", "guarded-host.ts");
    const flags = ["--disable-warning=ExperimentalWarning", "--experimental-strip-types"];
    const host = spawn(process.execPath, [...flags, hostProgram, claude.program, folder, PASSED.join(",")], {
      env: toProcessEnv(claude.environment),
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(host.stdout, "data");
    const killedAt = performance.now();
    host.kill("SIGKILL");
    expect(await claude.upstream.requests[0]?.closed).toBe("cut");
    expect(performance.now() - killedAt).toBeLessThan(2000);
    await expect.poll(() => readdir(folder), { timeout: 3000 }).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it.skipIf(program === undefined)("probes version and login", async () => {
    expect(await claude.executor.probe()).toEqual({ name: "claude", version, ready: true, reason: null });
  });
});

describe.each(CLAUDE_VERSIONS)("claude %s without a login", (version) => {
  const program = programOf(version);
  let claude: RealClaude;

  beforeEach(async () => {
    claude = await startRealClaude(program ?? "", "");
  });
  afterEach(() => claude.close());

  it.skipIf(program === undefined)("is told by the probe and by a request, without asking the upstream", async () => {
    expect(await claude.executor.probe()).toMatchObject({ version, ready: false });
    expect(await claude.fail({})).toMatchObject({ code: "cli_not_logged_in", status: 503 });
    expect(claude.upstream.requests).toHaveLength(0);
  });
});
