import { firstTokenScenario } from "./first-token.ts";
import { ladderScenario } from "./ladder.ts";
import { memoryScenarios } from "./memory.ts";
import { pagesScenario } from "./pages.ts";
import { startScenario } from "./start.ts";
import { streamScenarios } from "./streams.ts";
import type { Scenario } from "./types.ts";
import { wholeScenarios } from "./whole.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...wholeScenarios,
  ...streamScenarios,
  ladderScenario,
  pagesScenario,
  firstTokenScenario,
  ...memoryScenarios,
  startScenario,
];

/**
 * The scenarios with these names; all but the optional ones where none is named.
 *
 * @throws Error naming what is not there
 */
export function selectScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return SCENARIOS.filter(({ isOptional }) => isOptional !== true);
  return names.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found !== undefined) return found;
    throw new Error(`no scenario ${name}; there are ${SCENARIOS.map((each) => each.name).join(", ")}`);
  });
}
