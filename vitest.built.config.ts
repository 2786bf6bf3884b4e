import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    reporters,
    name: "built",
    include: ["e2e/built/**/*.e2e.test.ts"],
    globalSetup: [
      "e2e/real-claude/global-setup.ts",
      "e2e/real-codex/global-setup.ts",
      "e2e/real-gemini/global-setup.ts",
    ],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
