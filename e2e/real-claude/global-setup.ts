import type { TestProject } from "vitest/node";
import { CLAUDE_VERSIONS, fetchClaude } from "../../scripts/fetch-claude.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Version -> path of the program; a version that could not be had is missing. */
    claudePrograms: Record<string, string>;
  }
}

/** Fetches the CLIs before the tests. Where one cannot be had its tests are skipped with the reason printed; in CI that is a failure. */
export default async function setup(project: TestProject): Promise<void> {
  const programs: Record<string, string> = {};
  for (const version of CLAUDE_VERSIONS) {
    try {
      programs[version] = await fetchClaude(version);
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
      if (process.env["CI"]) throw new Error(`claude ${version} cannot be had: ${reason}`, { cause: error });
      console.warn(`SKIPPED: the tests with claude ${version}, which cannot be had here: ${reason}`);
    }
  }
  project.provide("claudePrograms", programs);
}
