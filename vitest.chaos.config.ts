import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

/** Seeded runs with faults, see docs/reliability.md. `CHAOS_RUNS` sets how many, `CHAOS_SEED` repeats one. */
export default defineConfig({
  test: {
    ...shared,
    reporters,
    name: "chaos",
    include: ["src/test/chaos/**/*.chaos.ts"],
    // The runs of one file share the clock with each other; another file would only make them wait.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
