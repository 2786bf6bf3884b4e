import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chatRequestSchema, type ChatRequest } from "../../../src/lib/openai/chat.ts";
import { ApprovalDesk } from "./approval-desk.ts";

let desk: ApprovalDesk;
let changes: number;
beforeEach(() => {
  vi.useFakeTimers();
  changes = 0;
  desk = new ApprovalDesk({ timeoutMs: 60_000, clock: () => 1000, onChange: () => (changes += 1) });
});
afterEach(() => {
  vi.useRealTimers();
});

const chat = (content: unknown): ChatRequest =>
  chatRequestSchema.parse({ model: "sonnet", messages: [{ role: "user", content }] });
const ask = (content: unknown = "Hello", signal = new AbortController().signal) =>
  desk.ask({ requestId: "r1", model: "sonnet" }, chat(content), signal);

describe("a question", () => {
  it("waits for the owner's word, which is given once", async () => {
    const [first, second] = [ask(), ask()];
    expect(desk.questions.map(({ number }) => number)).toEqual([1, 2]);
    expect(desk.decide(2, "approved")).toBe(true);
    expect(desk.decide(1, "denied")).toBe(true);
    expect(await second).toBeUndefined();
    expect(await first).toEqual({ code: "policy", message: "The owner of this agent denied the request." });
    expect(desk.questions).toEqual([]);
    expect(desk.decide(1, "approved")).toBe(false);
    expect(changes).toBe(4);
  });

  it("is refused when its time is over", async () => {
    const answer = ask();
    expect(desk.questions[0]?.expiresAt).toBe(61_000);
    vi.advanceTimersByTime(59_999);
    await Promise.resolve();
    expect(desk.questions).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(await answer).toMatchObject({ code: "policy" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is told of when it comes, once, and not where nobody could answer", async () => {
    const told: number[] = [];
    const onQuestion = ({ number }: { readonly number: number }): void => void told.push(number);
    desk = new ApprovalDesk({ timeoutMs: 60_000, clock: () => 1000, onChange: () => undefined, onQuestion });
    const answers = [ask(), ask()];
    expect(told).toEqual([1, 2]);
    desk.close();
    await Promise.all([...answers, ask()]);
    expect(told).toEqual([1, 2]);
  });

  it("is refused at once where the agent is about to end", async () => {
    const before = ask();
    desk.close();
    expect(await before).toMatchObject({ code: "policy" });
    expect(await ask()).toMatchObject({ code: "policy" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes away when the proxy cancels its request", async () => {
    const abort = new AbortController();
    const answer = ask("Hello", abort.signal);
    abort.abort(new Error("cancelled"));
    await expect(answer).rejects.toThrow("cancelled");
    expect(desk.questions).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ["first line\nsecond", "first line"],
    ["\n\n  later\u001b[2J\u202e", "later [2J "],
    [
      [
        { type: "text", text: "see" },
        { type: "image_url", image_url: { url: "data:," } },
      ],
      "see [image_url]",
    ],
    ["x".repeat(5000), "x".repeat(200)],
  ])("shows of a prompt a printable beginning: %j", async (content, preview) => {
    const answer = ask(content);
    expect(desk.questions[0]).toMatchObject({ model: "sonnet", requestId: "r1", preview });
    desk.decide(1, "denied");
    await answer;
  });
});
