import { expect, test } from "vitest";
import { selectAgent, type Candidate } from "./selection.ts";
import { offersModel } from "./types.ts";

const agent = (changes: Partial<Candidate> = {}): Candidate => ({
  isReady: true,
  freeSlots: 1,
  models: ["sonnet"],
  ...changes,
});

const noneExcluded = (): boolean => false;

test("a model is offered by its exact name or by a trailing wildcard, and by no other part of it", () => {
  expect(offersModel(["sonnet", "claude-*"], "sonnet")).toBe(true);
  expect(offersModel(["sonnet", "claude-*"], "claude-opus-4-1")).toBe(true);
  expect(offersModel(["sonnet"], "sonnet-4")).toBe(false);
  expect(offersModel(["son*net"], "sonnet")).toBe(false);
  expect(offersModel(["*"], "anything")).toBe(true);
  expect(offersModel(["*"], "m".repeat(257))).toBe(false);
  expect(offersModel([], "sonnet")).toBe(false);
});

test("each agent in turn is selected, and the first again after the last", () => {
  const agents = [agent(), agent(), agent()];
  let turn = 0;
  const order = Array.from({ length: 5 }, () => {
    const selection = selectAgent(agents, "sonnet", turn, noneExcluded);
    turn = selection?.nextTurn ?? 0;
    return selection === undefined ? -1 : agents.indexOf(selection.agent);
  });
  expect(order).toEqual([0, 1, 2, 0, 1]);
});

test.each([
  ["is not ready", agent({ isReady: false })],
  ["has no free slot", agent({ freeSlots: 0 })],
  ["has less than none", agent({ freeSlots: -1 })],
  ["does not offer the model", agent({ models: ["opus"] })],
])("an agent that %s is passed over", (_, unfit) => {
  const fit = agent();
  expect(selectAgent([unfit, fit], "sonnet", 0, noneExcluded)?.agent).toBe(fit);
  expect(selectAgent([unfit], "sonnet", 0, noneExcluded)).toBeUndefined();
});

test("an excluded agent is passed over, and a turn beyond the list begins anew", () => {
  const agents = [agent(), agent()];
  expect(selectAgent(agents, "sonnet", 0, (candidate) => candidate === agents[0])?.agent).toBe(agents[1]);
  expect(selectAgent(agents, "sonnet", 0, () => true)).toBeUndefined();
  expect(selectAgent(agents, "sonnet", 7, noneExcluded)?.agent).toBe(agents[1]);
  expect(selectAgent([], "sonnet", 3, noneExcluded)).toBeUndefined();
});
