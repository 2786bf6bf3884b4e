import type { TestProject } from "vitest/node";
import { fetchGemini, GEMINI_VERSION } from "../../scripts/fetch-gemini.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Path of the program; `null` where it could not be had. */
    geminiProgram: string | null;
  }
}

/** Fetches the CLI before the tests. Where it cannot be had its tests are skipped with the reason printed; in CI that is a failure. */
export default async function setup(project: TestProject): Promise<void> {
  let program: string | null = null;
  try {
    program = await fetchGemini();
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    if (process.env["CI"]) throw new Error(`gemini ${GEMINI_VERSION} cannot be had: ${reason}`, { cause: error });
    console.warn(`SKIPPED: the tests with gemini ${GEMINI_VERSION}, which cannot be had here: ${reason}`);
  }
  project.provide("geminiProgram", program);
}
