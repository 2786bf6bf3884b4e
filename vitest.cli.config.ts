import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

/** The real `claude` CLI against an API on 127.0.0.1; fetched on demand, see scripts/fetch-claude.ts. */
export default defineConfig({
  test: {
    ...shared,
    reporters,
    name: "real-claude",
    include: ["e2e/real-claude/**/*.e2e.test.ts"],
    globalSetup: ["e2e/real-claude/global-setup.ts"],
    // Each test starts processes that need a whole core for half a second.
    fileParallelism: false,
    testTimeout: 60_000,
  },
});
