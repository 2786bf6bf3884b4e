import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { geminiChunks, geminiError, geminiFrame, geminiStream } from "../../src/test/fake-gemini-server.ts";
import { isAlive } from "../../src/test/is-alive.ts";
import { geminiProgram, startRealGemini, type RealGemini } from "./harness.ts";
import { childrenOf } from "./processes.ts";

const [firstChunk = {}] = geminiChunks({ pieces: ["Hello"], finishReason: null });

describe.skipIf(geminiProgram() === undefined)("gemini 0.61.0: failures and ends", () => {
  let gemini: RealGemini;
  beforeEach(async () => {
    gemini = await startRealGemini();
  });
  afterEach(() => gemini.close());

  it.each([
    [400, "INVALID_ARGUMENT", "Bad thing in request", "invalid_request"],
    [400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum", "context_length_exceeded"],
    [401, "UNAUTHENTICATED", "no", "upstream_unauthorized"],
    [403, "PERMISSION_DENIED", "no", "upstream_unauthorized"],
    [404, "NOT_FOUND", "models/x is not found", "upstream_model_not_found"],
    [429, "RESOURCE_EXHAUSTED", "slow down", "rate_limit_exceeded"],
    [500, "INTERNAL", "internal", "upstream_error"],
    [503, "UNAVAILABLE", "overloaded", "upstream_overloaded"],
  ])("tells a status of %d (%s, %s) as %s, after one request", async (status, kind, message, code) => {
    gemini.reply(geminiError(status, kind, message));
    const failure = await gemini.fail({});
    expect(failure.code).toBe(code);
    expect(gemini.upstream.requests).toHaveLength(1);
    expect(await gemini.leftovers()).toEqual([]);
  });

  it("tells what is wrong with a request in the API's words", async () => {
    gemini.reply(geminiError(400, "INVALID_ARGUMENT", "Bad thing in request"));
    expect((await gemini.fail({})).message).toBe("Bad thing in request");
  });

  it("tells how long a rate limit lasts", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "13s" }];
    gemini.reply(geminiError(429, "RESOURCE_EXHAUSTED", "slow down", details));
    expect(await gemini.fail({})).toMatchObject({ code: "rate_limit_exceeded", retryAfterMs: 13_000, failover: true });
  });

  it("tells a connection that is closed before the answer", async () => {
    gemini.reply({ fail: "drop" });
    expect((await gemini.fail({})).code).toBe("upstream_connection_failed");
    expect(gemini.upstream.requests).toHaveLength(1);
  });

  it.each([
    [
      "closed",
      { steps: [geminiFrame(firstChunk), { delayMs: 200 }], end: "drop" as const },
      "upstream_connection_failed",
    ],
    ["ended early", { steps: [geminiFrame(firstChunk)] }, "upstream_incomplete"],
    [
      "broken by a chunk that is no JSON",
      { steps: [geminiFrame(firstChunk), "data: {broken\r\n\r\n", geminiFrame(firstChunk)] },
      "upstream_invalid_response",
    ],
  ])("fails a stream that is %s, delivering no text twice", async (_how, reply, code) => {
    gemini.reply(reply);
    let delivered = "";
    const failure = await gemini.fail({}, {}, (text) => {
      delivered = text;
    });
    expect(failure.code).toBe(code);
    expect(delivered).toBe("Hello");
    expect(gemini.upstream.requests).toHaveLength(1);
  });

  it.each([
    ["MAX_TOKENS", ["cut"], "length"],
    ["MAX_TOKENS", [], "length"],
    ["SAFETY", ["cut"], "content_filter"],
    ["SAFETY", [], "content_filter"],
    ["STOP", [], "stop"],
  ])("tells the finish reason %s after %j as %s", async (finishReason, pieces, told) => {
    gemini.reply(geminiStream({ finishReason, pieces }));
    const { text, outcome } = await gemini.ask({});
    expect({ text, finishReason: outcome.finishReason }).toEqual({ text: pieces.join(""), finishReason: told });
    expect(outcome.usage?.completion_tokens).toBe(27);
    expect(gemini.upstream.requests).toHaveLength(1);
  });

  it("closes the upstream and ends every process when it is cancelled", async () => {
    gemini.reply({ steps: [geminiFrame(firstChunk)], end: "hang" });
    const stop = new AbortController();
    let pids: readonly number[] = [];
    const failure = await gemini.fail({}, { signal: stop.signal }, () => {
      pids = childrenOf(process.pid, "--acp");
      stop.abort();
    });
    expect(failure.code).toBe("cancelled");
    expect(await gemini.upstream.requests[0]?.closed).toBe("cut");
    expect(pids).toHaveLength(1);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await gemini.leftovers()).toEqual([]);
  });

  it("tells a process that dies within its answer", async () => {
    gemini.reply({ steps: [geminiFrame(firstChunk)], end: "hang" });
    const failure = await gemini.fail({}, {}, () => {
      for (const pid of childrenOf(process.pid, "--acp")) process.kill(pid, "SIGKILL");
    });
    expect(failure).toMatchObject({ code: "cli_crashed", failover: true });
  });

  it("tells a silent model by its own clock", async () => {
    gemini.reply({ steps: [geminiFrame(firstChunk)], end: "hang" });
    expect((await gemini.fail({}, { idleTimeoutMs: 500 })).code).toBe("upstream_timeout");
  });
});

describe.skipIf(geminiProgram() === undefined)("gemini 0.61.0: without a login", () => {
  it("is not ready and starts nothing", async () => {
    const gemini = await startRealGemini({ passEnvironment: ["GOOGLE_GEMINI_BASE_URL"] });
    expect(await gemini.executor.probe()).toMatchObject({ version: "0.61.0", ready: false });
    await expect(gemini.ask({})).rejects.toMatchObject({ code: "cli_not_logged_in" });
    await gemini.close();
  });

  it("is ready with a key", async () => {
    const gemini = await startRealGemini();
    expect(await gemini.executor.probe()).toEqual({ name: "gemini", version: "0.61.0", ready: true, reason: null });
    await gemini.close();
  });
});
