import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { Attempt, type AttemptHost, type AttemptOwner } from "./attempt.ts";
import { deltaDigestText } from "./types.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const owner = {
    hasRoom: vi.fn<AttemptOwner["hasRoom"]>(() => true),
    deltas: vi.fn<AttemptOwner["deltas"]>(),
    completed: vi.fn<AttemptOwner["completed"]>(),
    failed: vi.fn<AttemptOwner["failed"]>(),
  };
  const host = {
    sendCancel: vi.fn<AttemptHost["sendCancel"]>(),
    reported: vi.fn<AttemptHost["reported"]>(),
    ended: vi.fn<AttemptHost["ended"]>(),
  };
  const attempt = new Attempt(
    {
      requestId: "req_1",
      number: 1,
      model: "sonnet",
      stream: true,
      timeouts: { firstOutputMs: 1000, idleMs: 200 },
      owner,
      payload: () => "{}",
      input: () => undefined,
      now: () => 0,
    },
    host,
  );
  return { owner, host, attempt, run: new FakeRun({ requestId: "req_1", attempt: 1 }) };
}

test("a cancel that the agent never confirms frees its slot after ten seconds, and says nothing more", () => {
  const { attempt, host, owner } = setUp();
  attempt.cancel("client_closed");
  attempt.cancel("timeout");
  expect(host.sendCancel.mock.calls).toEqual([["req_1", "client_closed"]]);
  vi.advanceTimersByTime(9999);
  expect(host.ended).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(host.ended).toHaveBeenCalledTimes(1);
  expect(owner.failed).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("while a cancel is not confirmed messages are taken without their content, across holes, until the end", () => {
  const { attempt, host, owner, run } = setUp();
  const [accept, lost, late, end] = [run.accept(), run.text("lost"), run.text("late"), run.complete()];
  attempt.receive(accept);
  attempt.cancel("client_closed");
  expect(attempt.receive(late)).toBe("committed");
  expect(attempt.receive(lost)).toBe("duplicate");
  expect(attempt.receive(end)).toBe("committed");
  expect(owner.deltas).not.toHaveBeenCalled();
  expect(owner.completed).not.toHaveBeenCalled();
  expect(host.ended).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("accept does not feed the clock of the first output; a chunk starts the idle clock", () => {
  const { attempt, owner, run } = setUp();
  vi.advanceTimersByTime(900);
  attempt.receive(run.accept());
  vi.advanceTimersByTime(99);
  attempt.receive(run.text("a"));
  vi.advanceTimersByTime(199);
  attempt.receive(run.text("b"));
  vi.advanceTimersByTime(199);
  expect(owner.failed).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(owner.failed.mock.lastCall).toMatchObject([{ error: { code: "upstream_timeout" }, retry: "never" }]);
});

test("a held chunk is not counted: the same one is taken later and the digest still fits", () => {
  const { attempt, owner, run } = setUp();
  attempt.receive(run.accept());
  const chunk = run.text("a");
  owner.hasRoom.mockReturnValueOnce(false);
  expect(attempt.receive(chunk)).toBe("held");
  expect(attempt.ackedSeq).toBe(1);
  expect(attempt.receive(chunk)).toBe("committed");
  attempt.receive(run.complete());
  expect(owner.completed).toHaveBeenCalledTimes(1);
  expect(owner.failed).not.toHaveBeenCalled();
});

test("the idle clock stands still while the client is slow and starts again afterwards", () => {
  const { attempt, owner, run } = setUp();
  attempt.receive(run.accept());
  attempt.receive(run.text("a"));
  attempt.setPaused(true);
  attempt.receive(run.text("b"));
  vi.advanceTimersByTime(10_000);
  expect(owner.failed).not.toHaveBeenCalled();
  attempt.setPaused(false);
  vi.advanceTimersByTime(200);
  expect(owner.failed).toHaveBeenCalledTimes(1);
});

test("a surrogate pair that two deltas share does not upset the digest", () => {
  const { attempt, owner, run } = setUp();
  attempt.receive(run.accept());
  attempt.receive(JSON.parse(JSON.stringify(run.text("\ud83d", "\ude00 ok"))));
  attempt.receive(run.complete());
  expect(owner.completed).toHaveBeenCalledTimes(1);
});

test("a reject after output is a broken protocol", () => {
  const { attempt, owner, run } = setUp();
  attempt.receive(run.accept());
  attempt.receive(run.text("a"));
  attempt.receive(run.reject("busy"));
  expect(owner.failed.mock.lastCall).toMatchObject([{ error: { code: "agent_protocol_error" } }]);
});

test("the owner hears of the end before the slot is free, and also when what follows from that goes wrong", () => {
  const { attempt, owner, host, run } = setUp();
  host.ended.mockImplementation(() => {
    throw new TypeError("another request's fault");
  });
  attempt.receive(run.accept());
  expect(() => attempt.receive(run.complete())).toThrow(TypeError);
  expect(owner.completed).toHaveBeenCalledTimes(1);
  expect(owner.completed.mock.invocationCallOrder[0]).toBeLessThan(host.ended.mock.invocationCallOrder[0] ?? 0);
  expect(attempt.isEnded).toBe(true);
});

test("a delta weighs 64 bytes beside its text, as does each part of a tool call in it", () => {
  const { attempt, owner, run } = setUp();
  attempt.receive(run.accept());
  attempt.receive(run.chunk([{ content: "ü" }, { tool_calls: [{ index: 0 }, { index: 1 }] }]));
  const text = Buffer.byteLength("c1:üt1:0i0:n0:a0:t1:1i0:n0:a0:");
  expect(owner.hasRoom.mock.lastCall).toEqual([text + 4 * 64]);
});

test("deltas that carry nothing are counted and thrown away", () => {
  const { attempt, owner, run } = setUp();
  attempt.receive(run.accept());
  attempt.receive(run.chunk([{}, { content: "" }, { content: "a" }, { tool_calls: [] }]));
  expect(owner.deltas.mock.lastCall).toEqual([undefined, [{ content: "a" }], 68]);
  attempt.receive(run.chunk([{}], { model: "opus" }));
  expect(owner.deltas.mock.lastCall).toEqual([{ model: "opus" }, [], 0]);
  attempt.receive(run.complete({ deltaCount: 5 }));
  expect(owner.completed).toHaveBeenCalledTimes(1);
});

test("no two different deltas give the same digest text", () => {
  expect(deltaDigestText({ content: "arb" })).not.toBe(deltaDigestText({ content: "a", reasoning_content: "b" }));
  expect(deltaDigestText({ content: "a" }) + deltaDigestText({ content: "b" })).not.toBe(
    deltaDigestText({ content: "ab" }),
  );
});
