import { describe, expect, test } from "vitest";
import { judgeMessage, mergeStatus, type CommitStatus } from "./commit.ts";

describe("one message", () => {
  test.each([
    ["open", 0, 1, "committed"],
    ["open", 0, 2, "gap"],
    ["open", 3, 4, "committed"],
    ["open", 3, 3, "duplicate"],
    ["open", 3, 1, "duplicate"],
    ["open", 3, 5, "gap"],
    ["ended", 3, 3, "duplicate"],
    ["ended", 3, 4, "closed"],
    ["ended", 3, 9, "closed"],
    ["unknown", 0, 1, "unknown"],
  ] as const)("of a request that is %s at %i with number %i is %s", (phase, ackedSeq, seq, expected) => {
    expect(judgeMessage({ phase, ackedSeq }, seq)).toBe(expected);
  });
});

describe("the status of several messages", () => {
  const cases: [CommitStatus[], CommitStatus][] = [
    [["duplicate", "duplicate"], "duplicate"],
    [["duplicate", "committed"], "committed"],
    [["committed", "duplicate"], "committed"],
    [["gap", "committed"], "gap"],
    [["committed", "held", "gap"], "held"],
    [["committed", "closed"], "closed"],
  ];
  test.each(cases)("%j is %s", (statuses, expected) => {
    let merged: CommitStatus | undefined;
    for (const status of statuses) merged = mergeStatus(merged, status);
    expect(merged).toBe(expected);
  });
});
