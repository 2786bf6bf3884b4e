import { beforeEach, describe, expect, it } from "vitest";
import { createApprovalKeys, type ApprovalKeys } from "./approval-keys.ts";
import type { Question } from "./policy/approval-desk.ts";

let questions: Question[];
let decided: [number, string][];
let isRaw: boolean;
let listener: ((bytes: Uint8Array) => void) | undefined;
let interrupts: number;
let clock: number;
let keys: ApprovalKeys;

beforeEach(() => {
  [questions, decided, isRaw, listener, interrupts, clock] = [[], [], false, undefined, 0, 0];
  keys = createApprovalKeys(
    {
      setRawMode: (raw) => (isRaw = raw),
      resume: () => undefined,
      pause: () => undefined,
      on: (_event, added) => (listener = added),
      off: () => (listener = undefined),
    },
    {
      get questions() {
        return questions;
      },
      decide(number, verdict) {
        decided.push([number, verdict]);
        questions = questions.filter((question) => question.number !== number);
        keys.refresh();
        return true;
      },
    },
    () => (interrupts += 1),
    () => clock,
  );
});

function ask(number: number): void {
  questions.push({ number, requestId: "r", model: "m", characters: 1, preview: "", expiresAt: 0 });
  keys.refresh();
}
const press = (text: string): void => listener?.(new TextEncoder().encode(text));

describe("the keys", () => {
  it("answer the oldest question, and leave the terminal alone while there is none", () => {
    expect(isRaw).toBe(false);
    ask(1);
    ask(2);
    expect(isRaw).toBe(true);
    clock += 1000;
    press("y");
    clock += 2000;
    press("xN");
    expect(decided).toEqual([
      [1, "approved"],
      [2, "denied"],
    ]);
    expect([isRaw, listener]).toEqual([false, undefined]);
  });

  it("never answer a question that has only just come up, or two by one stroke", () => {
    ask(1);
    press("y");
    expect(decided).toEqual([]);
    clock += 1000;
    ask(2);
    press("yy");
    press("y");
    expect(decided).toEqual([[1, "approved"]]);
  });

  it.each([
    ["at once", 0],
    ["after a moment", 400],
  ])("never answer a question that takes the place of another one, %s, before it can be read", (_name, gapMs) => {
    ask(1);
    clock += 60_000;
    // Its client drops it.
    questions = [];
    if (gapMs === 0) ask(2);
    else {
      keys.refresh();
      clock += gapMs;
      ask(2);
    }
    clock += 1999 - gapMs;
    press("y");
    expect(decided).toEqual([]);
    clock += 1;
    press("y");
    expect(decided).toEqual([[2, "approved"]]);
  });

  it("pass Ctrl-C on, and give the terminal back at the end", () => {
    ask(1);
    press("\u0003");
    expect(interrupts).toBe(1);
    keys.close();
    expect([isRaw, listener]).toEqual([false, undefined]);
  });
});
