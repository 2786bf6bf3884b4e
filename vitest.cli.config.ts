import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

/** The real CLIs, unmodified, against APIs on 127.0.0.1; fetched on demand, see scripts/fetch-cli.ts. */
export default defineConfig({
  test: {
    ...shared,
    reporters,
    name: "real-cli",
    include: ["e2e/real-*/**/*.e2e.test.ts"],
    // One line a CLI.
    globalSetup: [
      "e2e/real-claude/global-setup.ts",
      "e2e/real-codex/global-setup.ts",
      "e2e/real-gemini/global-setup.ts",
    ],
    // Each test starts processes that need a whole core for half a second.
    fileParallelism: false,
    testTimeout: 60_000,
  },
});
