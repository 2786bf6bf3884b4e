/** Gets the real `gemini` CLI from npm for the tests that need it. `node scripts/fetch-gemini.ts` prints the program's path. */
import { fetchCli } from "./fetch-cli.ts";

/** The version that the executor is held against. */
export const GEMINI_VERSION = "0.61.0";

/** The program. Rejects when it cannot be had or does not run. */
export function fetchGemini(): Promise<string> {
  return fetchCli({
    packageName: "@google/gemini-cli",
    version: GEMINI_VERSION,
    cacheName: "gemini",
    program: "gemini",
  });
}

if (import.meta.main) console.log(await fetchGemini());
