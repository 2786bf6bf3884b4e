import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RecordingSink } from "../../test/recording-sink.ts";
import { createCall } from "../../test/provider-call.ts";
import { rejection } from "../../test/rejection.ts";
import { GatewayError } from "../http/errors.ts";
import { RequestDispatcher } from "./dispatcher.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a request that is not valid begins nothing: no clock, no listener, nothing pending", async () => {
  const call = createCall();
  const listen = vi.spyOn(call.signal, "addEventListener");
  const refusal = new GatewayError("invalid_type", "Invalid type for 'messages'.");
  const dispatcher = new RequestDispatcher({
    queueMax: 1,
    queueWaitMs: 1000,
    bodies: {
      prepare: () => {
        throw refusal;
      },
    },
    now: () => 0,
    sessions: () => [],
    onChanged: () => undefined,
  });
  expect(await rejection(dispatcher.dispatch(call, new RecordingSink(), true))).toBe(refusal);
  expect(vi.getTimerCount()).toBe(0);
  expect(listen).not.toHaveBeenCalled();
  expect(dispatcher.pendingCount).toBe(0);
});
