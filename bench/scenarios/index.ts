import { streamScenarios } from "./streams.ts";
import type { Scenario } from "./types.ts";
import { wholeScenarios } from "./whole.ts";

export const scenarios: readonly Scenario[] = [...wholeScenarios, ...streamScenarios];

/** @throws Error naming a scenario that is not there */
export function selectScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return scenarios;
  return names.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found === undefined) {
      throw new Error(`no scenario ${name}; there are ${scenarios.map((each) => each.name).join(", ")}`);
    }
    return found;
  });
}
