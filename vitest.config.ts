import { defineConfig } from "vitest/config";
import { reporters, shared } from "./vitest.shared.ts";

/** Unit tests touch no socket and no process; integration tests use real ones on 127.0.0.1 and need nothing installed. */
export default defineConfig({
  test: {
    reporters,
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["{src,agent/src,scripts,bench}/**/*.test.{ts,tsx}"],
          exclude: [...shared.exclude, "**/*.integration.test.ts"],
        },
      },
      { test: { ...shared, name: "integration", include: ["{src,agent/src,scripts,bench}/**/*.integration.test.ts"] } },
    ],
  },
});
