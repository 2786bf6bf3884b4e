import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { chatBodyOf } from "../../test/provider-call.ts";
import { rejection } from "../../test/rejection.ts";
import { toErrorFields } from "../http/error-fields.ts";
import { GatewayError } from "../http/errors.ts";
import { readChatBody } from "../openai/chat-body.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { BodyThread } from "./body-thread.ts";
import { prepareBody, type BodyForm, type BodyPreparer, type PreparedBody } from "./prepare-body.ts";

const never = new AbortController().signal;
const MESSAGES_API = { type: "messages-api", model: "claude-sonnet-5-5", stream: true } as const;
const CHECKED = { type: "checked", model: "sonnet" } as const;
const LONG = "x".repeat(600_000);
const user = { role: "user", content: "hi" };

/** Bodies by what is special about them; the long ones are longer than what is parsed as it comes in. */
const BODIES: Readonly<Record<string, unknown>> = {
  "a plain one": { model: "sonnet", messages: [user] },
  "a long plain one": { model: "sonnet", messages: [{ role: "user", content: LONG }] },
  "one with text beyond ASCII": { model: "sonnet", messages: [{ role: "user", content: `🙂 \u2028 ${LONG} ü "\\` }] },
  "one with tools, images and tool results": {
    model: "opus",
    max_tokens: 100,
    tools: [{ type: "function", function: { name: "f", parameters: { type: "object" }, strict: true } }],
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
      },
      { role: "tool", tool_call_id: "call_1", content: LONG },
    ],
  },
  "one with fields that are dropped": { model: "m", messages: [user], seed: 1, stop: [" "], pad: LONG },
  "several choices": { model: "sonnet", messages: [user], n: 2, pad: LONG },
  "a role that there is not": { model: "sonnet", messages: [user, { role: "nobody", content: LONG }] },
  "a message without content": { model: "sonnet", messages: [{ role: "user" }], pad: LONG },
  "content of the wrong type": { model: "sonnet", messages: [{ role: "user", content: 5 }], pad: LONG },
  "an unknown part": { model: "sonnet", messages: [{ role: "user", content: [{ type: "video" }] }], pad: LONG },
  "no messages in the list": { model: "sonnet", messages: [], pad: LONG },
  "tool arguments that are no JSON": {
    model: "sonnet",
    messages: [
      user,
      {
        role: "assistant",
        tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{" } }],
      },
    ],
    pad: LONG,
  },
  "a temperature that is a text": { model: "sonnet", messages: [user], temperature: "hot", pad: LONG },
  "a response format without a schema": {
    model: "sonnet",
    messages: [user],
    response_format: { type: "json_schema" },
    pad: LONG,
  },
  "text that is no JSON inside a list": `{"model":"m","messages":[{"role":"user","content":tru}],"pad":"${LONG}"}`,
  "text with a number that is none": `{"model":"m","messages":[{"role":"user"}],"top_p":01,"pad":"${LONG}"}`,
};

/** What came of it, errors by all their facts. */
async function outcome(preparer: BodyPreparer, body: unknown, form: BodyForm): Promise<unknown> {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  try {
    const prepared: PreparedBody = await preparer.prepare(readChatBody(bytes), form, never);
    return { text: prepared.bytes.toString(), droppedParams: prepared.droppedParams };
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    return toErrorFields(thrown);
  }
}

describe("the thread answers what the calling thread would", () => {
  const thread = new BodyThread({ logger: silentLogger, atOnceMax: 0 });
  afterAll(() => thread.close());

  it.each(Object.keys(BODIES))("for %s", async (name) => {
    for (const form of [MESSAGES_API, CHECKED]) {
      const there = await outcome(thread, BODIES[name], form);
      expect(there).toEqual(await outcome({ prepare: prepareBody }, BODIES[name], form));
    }
  });
});

describe("a body thread", () => {
  let thread: BodyThread;
  afterEach(() => thread.close());
  const body = chatBodyOf({ model: "sonnet", messages: [{ role: "user", content: LONG }] });
  const small = chatBodyOf({ model: "sonnet", messages: [user] });

  it("answers at once for a small body, and later for a large one", async () => {
    thread = new BodyThread({ logger: silentLogger });
    expect(thread.prepare(small, MESSAGES_API, never)).not.toBeInstanceOf(Promise);
    const later = thread.prepare(body, MESSAGES_API, never);
    expect(later).toBeInstanceOf(Promise);
    expect((await later).bytes.length).toBeGreaterThan(LONG.length);
  });

  it("leaves the client's bytes as they were, for another target", async () => {
    thread = new BodyThread({ logger: silentLogger });
    const before = Buffer.from(body.withMembers({}));
    await thread.prepare(body, CHECKED, never);
    expect(body.withMembers({}).equals(before)).toBe(true);
  });

  it("lets those that wait go at once when they abort, and serves the others", async () => {
    thread = new BodyThread({ logger: silentLogger });
    const client = new AbortController();
    const first = rejection(Promise.resolve(thread.prepare(body, MESSAGES_API, client.signal)));
    const second = rejection(Promise.resolve(thread.prepare(body, MESSAGES_API, client.signal)));
    const third = thread.prepare(body, MESSAGES_API, never);
    client.abort();
    expect([await first, await second]).toEqual([
      expect.objectContaining({ code: "client_closed_request" }),
      expect.objectContaining({ code: "client_closed_request" }),
    ]);
    expect((await third).bytes.length).toBeGreaterThan(LONG.length);
  });

  it("fails the request that its thread dies with, as the proxy's fault, and no other", async () => {
    const workerUrl = new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort } from "node:worker_threads";
        parentPort.on("message", ({ bytes, form }) => {
          if (form.model === "fatal") process.exit(9);
          parentPort.postMessage({ bytes, droppedParams: [] }, [bytes.buffer]);
        });
      `)}`,
    );
    thread = new BodyThread({ logger: silentLogger, workerUrl });
    const ask = (model: string): Promise<PreparedBody> =>
      Promise.resolve(thread.prepare(body, { type: "checked", model }, never));
    const results = await Promise.allSettled([ask("a"), ask("fatal"), ask("b")]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { code: "server_error", status: 500, failover: false } });
  });

  it("refuses more than may wait", async () => {
    thread = new BodyThread({ logger: silentLogger, maxWaiting: 0 });
    const first = thread.prepare(body, CHECKED, never);
    await expect(thread.prepare(body, CHECKED, never)).rejects.toMatchObject({ code: "proxy_overloaded" });
    await first;
  });
});

it("does not keep a process alive that has nothing else to do", async () => {
  const from = (name: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, name)).href);
  const script = `
    import { BodyThread } from ${from("body-thread.ts")};
    import { readChatBody } from ${from("../openai/chat-body.ts")};
    const text = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }] });
    const thread = new BodyThread({ logger: { error: console.error }, atOnceMax: 0 });
    const form = { type: "checked", model: "sonnet" };
    const { bytes } = await thread.prepare(readChatBody(Buffer.from(text)), form, new AbortController().signal);
    console.log(bytes.toString());
  `;
  const folder = mkdtempSync(join(tmpdir(), "codewise-test-"));
  try {
    const file = join(folder, "main.mjs");
    writeFileSync(file, script);
    const { stdout } = await execa(process.execPath, [file], { timeout: 15_000 });
    expect(stdout).toContain('"sonnet"');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
