import { execa } from "execa";
import { join } from "node:path";
import { resultSchema, type LoadResult, type Plan } from "./plan.ts";

/** Runs a plan in a process of its own. */
export async function runLoad(plan: Plan): Promise<LoadResult> {
  const { stdout } = await execa(process.execPath, [join(import.meta.dirname, "main.ts")], {
    input: JSON.stringify(plan),
    stderr: "inherit",
    timeout: (plan.warmupSeconds + plan.seconds + 60) * 1000,
  });
  return resultSchema.parse(JSON.parse(stdout));
}
