import type { Scenario } from "../scenarios/types.ts";
import type { Verdict } from "./budgets.ts";
import type { Samples } from "./samples.ts";
import { budgetTable, scenarioTable } from "./table.ts";

/** Prints every scenario's medians, what was left out or failed, and the budgets, as Markdown on stdout. */
export function printReport(scenarios: readonly Scenario[], samples: Samples, verdicts: readonly Verdict[]): void {
  for (const { name, title, columns } of scenarios) {
    const rounds = samples.rounds(name);
    if (rounds.size === 0) continue;
    const count = Math.max(...[...rounds.values()].map((list) => list.length));
    print(`## ${title}`, `\`${name}\`, ${count === 1 ? "1 round" : `medians of ${count} rounds`}`);
    print(scenarioTable(columns, rounds).join("\n"));
  }
  const skipped = [...samples.skipped].map(([what, reason]) => `- ${what}: ${reason}`);
  if (skipped.length > 0) print("## Left out", skipped.join("\n"));
  const failures = samples.failures.map(({ scenario, target, message }) => `- ${scenario} of ${target}: ${message}`);
  if (failures.length > 0) print("## FAILED", failures.join("\n"));
  if (verdicts.length > 0) print("## Budgets", budgetTable(verdicts).join("\n"));
}

function print(...paragraphs: readonly string[]): void {
  process.stdout.write(`${paragraphs.join("\n\n")}\n\n`);
}
