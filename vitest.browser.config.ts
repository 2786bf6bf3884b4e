import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

/** Tests in a real browser against the built server (`npm run build` first). Skipped where there is no Chromium. */
export default defineConfig({
  test: {
    ...shared,
    reporters,
    name: "browser",
    include: ["e2e/dashboard/**/*.e2e.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
