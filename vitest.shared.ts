import { configDefaults } from "vitest/config";

const report = process.env["CODEWISE_TEST_REPORT"];

/** What all suites share: bounded times, and a JSON report beside the terminal's when one is asked for. */
export const shared = {
  exclude: [...configDefaults.exclude, "**/.next/**"],
  testTimeout: 20_000,
  hookTimeout: 30_000,
};

export const reporters =
  report === undefined
    ? ["default"]
    : ["default", ["json", { outputFile: report }] as [string, { outputFile: string }]];
