import { join } from "node:path";
import { execa } from "execa";
import {
  pagesResultSchema,
  resultSchema,
  type LoadResult,
  type PagesPlan,
  type PagesResult,
  type Plan,
} from "./plan.ts";

const SLACK_SECONDS = 60;

/** Runs a plan in a process of its own. */
export async function runLoad(plan: Plan): Promise<LoadResult> {
  return resultSchema.parse(await run("main.ts", plan, plan.warmupSeconds + plan.seconds));
}

/** Loads dashboard pages in a process of its own. */
export async function runPages(plan: PagesPlan): Promise<PagesResult> {
  return pagesResultSchema.parse(await run("pages.ts", plan, plan.seconds));
}

async function run(program: string, plan: unknown, seconds: number): Promise<unknown> {
  // The plan holds a key, so it goes over stdin and not into the arguments.
  const { stdout } = await execa(process.execPath, [join(import.meta.dirname, program)], {
    input: JSON.stringify(plan),
    stderr: "inherit",
    timeout: (seconds + SLACK_SECONDS) * 1000,
  });
  return JSON.parse(stdout);
}
