import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { agentMessageSchema, deltaDigestText, type SequencedMessage } from "../../src/lib/agent/types.ts";
import type { SealedMessage } from "./outbox-queue.ts";
import { Outbox, type ErrorBody } from "./outbox.ts";
import { OUTCOME } from "./testing/scripted-executor.ts";

const FAILURE: ErrorBody = { code: "cli_crashed", message: "The CLI crashed.", status: 502, retryable: true };

function read(messages: readonly SealedMessage[]): SequencedMessage[] {
  return messages.map((message) => agentMessageSchema.parse(JSON.parse(message.json)) as SequencedMessage);
}

function takeAll(outbox: Outbox): SequencedMessage[] {
  return read(outbox.take(Infinity, Infinity));
}

function create(bounds: ConstructorParameters<typeof Outbox>[2] = {}): Outbox {
  return new Outbox("r1", () => undefined, bounds);
}

describe("Outbox", () => {
  it("numbers accept, chunks and the end from 1 without a hole", () => {
    const outbox = create();
    outbox.accept(2);
    expect(takeAll(outbox)).toMatchObject([{ type: "accept", seq: 1, attempt: 2 }]);
    outbox.open({ model: "m", droppedParams: ["n"] });
    outbox.delta({ content: "a" });
    expect(takeAll(outbox)).toMatchObject([{ type: "chunk", seq: 2, opened: { model: "m", droppedParams: ["n"] } }]);
    outbox.delta({ content: "b" });
    outbox.complete(OUTCOME);
    const [chunk, complete] = takeAll(outbox);
    expect(chunk).toMatchObject({ type: "chunk", seq: 3, deltas: [{ content: "b" }] });
    expect(chunk).not.toHaveProperty("opened");
    expect(complete).toMatchObject({ type: "complete", seq: 4, deltaCount: 2, finishReason: "stop" });
  });

  it("says in complete the count and the SHA-256 of the deltas as they were sent", () => {
    const outbox = create({ maxChunkText: 300 });
    const texts = ["one", "two", "x".repeat(1000), "🙂".repeat(200)];
    for (const content of texts) outbox.delta({ content });
    outbox.delta({ reasoning_content: "why" });
    outbox.complete(OUTCOME);
    const messages = takeAll(outbox);
    const deltas = messages.flatMap((message) => (message.type === "chunk" ? message.deltas : []));
    const digest = createHash("sha256");
    for (const delta of deltas) digest.update(deltaDigestText(delta));
    expect(messages.at(-1)).toMatchObject({ deltaCount: deltas.length, deltaSha256: digest.digest("hex") });
    expect(deltas.map((delta) => delta.content ?? "").join("")).toBe(texts.join(""));
  });

  it("keeps a message's number and bytes when it is sent again", () => {
    const outbox = create();
    outbox.delta({ content: "a" });
    const first = outbox.take(Infinity, Infinity);
    outbox.delta({ content: "b" });
    outbox.rewind();
    const again = outbox.take(Infinity, Infinity);
    expect(again[0]).toBe(first[0]);
    expect(again[1]?.seq).toBe(2);
  });

  it("sends again from the number after the acknowledged one", () => {
    const outbox = create();
    outbox.accept(1);
    takeAll(outbox);
    outbox.delta({ content: "a" });
    takeAll(outbox);
    outbox.delta({ content: "b" });
    takeAll(outbox);
    expect(outbox.acknowledge(1)).toBe(true);
    expect(takeAll(outbox).map((message) => message.seq)).toEqual([2, 3]);
  });

  it("refuses an acknowledgement of what was never sent or was acknowledged before", () => {
    const outbox = create();
    outbox.accept(1);
    expect(outbox.acknowledge(2)).toBe(false);
    expect(outbox.acknowledge(1)).toBe(true);
    expect(outbox.acknowledge(0)).toBe(false);
  });

  it("asks its source to stop at the bound and to go on at half of it", () => {
    const outbox = create({ maxBytes: 10_000 });
    expect(outbox.delta({ content: "x".repeat(4000) })).toBe(true);
    takeAll(outbox);
    expect(outbox.delta({ reasoning_content: "y".repeat(7000) })).toBe(false);
    let drained = 0;
    outbox.onDrain(() => (drained += 1));
    takeAll(outbox);
    outbox.acknowledge(1);
    expect(drained).toBe(0);
    outbox.acknowledge(2);
    expect(drained).toBe(1);
  });

  it("asks its source to stop when too many messages wait", () => {
    const outbox = create({ maxMessages: 4 });
    const answers = [1, 2, 3, 4, 5].map((index) => {
      const answer = outbox.delta({ content: String(index) });
      takeAll(outbox);
      return answer;
    });
    expect(answers).toEqual([true, true, true, true, false]);
  });

  it("takes the end however full it is, after everything before it", () => {
    const outbox = create({ maxBytes: 100 });
    outbox.delta({ content: "x".repeat(1000) });
    outbox.error(FAILURE);
    expect(takeAll(outbox).map((message) => message.type)).toEqual(["chunk", "error"]);
  });

  it("is settled only when its end is acknowledged", () => {
    const outbox = create();
    outbox.complete(OUTCOME);
    expect(outbox.isSettled).toBe(false);
    takeAll(outbox);
    expect(outbox.isSettled).toBe(false);
    outbox.acknowledge(1);
    expect(outbox.isSettled).toBe(true);
  });

  it("keeps its first end and takes no output after it", () => {
    const outbox = create();
    outbox.error(FAILURE);
    outbox.complete(OUTCOME);
    outbox.delta({ content: "late" });
    expect(takeAll(outbox)).toMatchObject([{ type: "error", code: "cli_crashed" }]);
  });

  it("leaves out unsent output when it ends for a client that is gone", () => {
    const outbox = create();
    outbox.delta({ content: "x" });
    outbox.errorNow(FAILURE);
    expect(takeAll(outbox)).toMatchObject([{ type: "error", seq: 1 }]);
  });

  it("ends with an error at the number that the proxy expects when both disagree", () => {
    const outbox = create();
    outbox.delta({ content: "x" });
    outbox.complete(OUTCOME);
    takeAll(outbox);
    outbox.failAt(7, FAILURE);
    expect(takeAll(outbox)).toMatchObject([{ type: "error", seq: 8 }]);
    expect(outbox.acknowledge(8)).toBe(true);
    expect(outbox.isSettled).toBe(true);
  });

  it("gives out what fits and keeps the rest in order", () => {
    const outbox = create({ maxChunkText: 1000 });
    for (let index = 0; index < 5; index += 1) outbox.delta({ content: "x".repeat(1000) });
    const first = outbox.take(2500, 100);
    expect(first.map((message) => message.seq)).toEqual([1, 2]);
    expect(outbox.take(100, 100)).toEqual([]);
    expect(outbox.take(Infinity, 2).map((message) => message.seq)).toEqual([3, 4]);
    expect(outbox.take(Infinity, 100).map((message) => message.seq)).toEqual([5]);
  });

  it("cuts long error texts and stderr to the protocol's bounds", () => {
    const outbox = create();
    outbox.error({ ...FAILURE, message: "m".repeat(5000), stderrTail: `${"s".repeat(5000)}end` });
    const [message] = takeAll(outbox);
    expect(message).toMatchObject({ message: "m".repeat(4096), stderrTail: `${"s".repeat(4093)}end` });
  });
});
