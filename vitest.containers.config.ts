import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

export default defineConfig({
  test: {
    ...shared,
    reporters,
    name: "containers",
    include: ["e2e/containers/**/*.e2e.test.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
