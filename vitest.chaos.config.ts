import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

const common = { ...shared, testTimeout: 3_600_000, hookTimeout: 60_000, maxWorkers: 2 };

/** Seeded runs with faults, see docs/reliability.md. `CHAOS_RUNS` sets how many, `CHAOS_SEED` repeats one. */
export default defineConfig({
  test: {
    reporters,
    projects: [
      {
        test: {
          ...common,
          name: "chaos-network",
          include: ["src/test/chaos/network-*.chaos.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      // Afterwards: processes that start and are killed within bounds need the machine for themselves.
      {
        test: {
          ...common,
          name: "chaos-process",
          include: ["src/test/chaos/process-*.chaos.ts"],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
