import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RecordingSink } from "../../test/recording-sink.ts";
import { rejection } from "../../test/rejection.ts";
import { chatBodyOf } from "../../test/provider-call.ts";
import { GatewayError } from "../http/errors.ts";
import { PendingRequest, type PendingRequestOptions } from "./pending-request.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function defaults(): PendingRequestOptions {
  return {
    call: {
      requestId: "req_1",
      keyId: "key_1",
      completionId: "chatcmpl-1",
      created: 1,
      body: chatBodyOf({ model: "sonnet", messages: [{ role: "user", content: "hi" }] }),
      model: "sonnet",
      signal: new AbortController().signal,
      timeouts: { connectMs: 1000, firstOutputMs: 1000, idleMs: 1000, totalMs: 5000 },
    },
    body: Buffer.from("{}"),
    sink: new RecordingSink(),
    wireId: "req_1",
    stream: true,
    now: () => 0,
    retry: () => false,
    onSettled: () => undefined,
  };
}

test("an end stops all clocks and lets go of the client's signal; a second end changes nothing", async () => {
  const client = new AbortController();
  const unlisten = vi.spyOn(client.signal, "removeEventListener");
  const onSettled = vi.fn<() => void>();
  const options = defaults();
  const request = new PendingRequest({ ...options, call: { ...options.call, signal: client.signal }, onSettled });
  const failure = rejection(request.outcome);
  expect(vi.getTimerCount()).toBe(1);
  request.fail(new GatewayError("agents_busy", "All agents are busy."), "superseded");
  expect(vi.getTimerCount()).toBe(0);
  expect(unlisten).toHaveBeenCalledTimes(1);
  client.abort();
  request.fail(new GatewayError("server_error", "Later."), "superseded");
  expect(await failure).toMatchObject({ code: "agents_busy" });
  expect(onSettled).toHaveBeenCalledTimes(1);
});

test("a failure that nobody waits for yet does not bring the process down", async () => {
  const onUnhandled = vi.fn<() => void>();
  process.once("unhandledRejection", onUnhandled);
  new PendingRequest(defaults()).fail(new GatewayError("agents_busy", "All agents are busy."), "superseded");
  // Node looks for unhandled rejections once the microtasks have run.
  vi.useRealTimers();
  await new Promise(setImmediate);
  process.off("unhandledRejection", onUnhandled);
  expect(onUnhandled).not.toHaveBeenCalled();
});
