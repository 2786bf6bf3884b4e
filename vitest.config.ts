import { configDefaults, defineConfig } from "vitest/config";

const shared = { testTimeout: 20_000, hookTimeout: 30_000, exclude: [...configDefaults.exclude, "**/.next/**"] };

/** Unit tests touch no socket and no process; integration tests use real ones on 127.0.0.1 and need nothing installed. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["{src,agent/src,scripts}/**/*.test.{ts,tsx}"],
          exclude: [...shared.exclude, "**/*.integration.test.ts"],
        },
      },
      { test: { ...shared, name: "integration", include: ["{src,agent/src,scripts}/**/*.integration.test.ts"] } },
    ],
  },
});
