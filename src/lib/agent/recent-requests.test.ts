import { expect, test } from "vitest";
import { RecentRequests } from "./recent-requests.ts";

test("the latest are remembered and the oldest forgotten", () => {
  const recent = new RecentRequests(2);
  recent.remember("a", 1);
  recent.remember("b", 2);
  recent.remember("a", 3);
  recent.remember("c", 4);
  expect(recent.ackedSeq("a")).toBe(3);
  expect(recent.ackedSeq("b")).toBeUndefined();
  expect(recent.has("c")).toBe(true);
  expect(recent.has("b")).toBe(false);
});
