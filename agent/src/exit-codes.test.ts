import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { EXIT, signalExitCode } from "./exit-codes.ts";

it("keeps every exit code for ever, since scripts and service managers rely on them", () => {
  expect(EXIT).toEqual({
    ok: 0,
    failure: 1,
    usage: 2,
    unauthorized: 3,
    incompatible: 4,
    notRunning: 5,
    alreadyRunning: 6,
  });
  expect([signalExitCode("SIGINT"), signalExitCode("SIGTERM")]).toEqual([130, 143]);
});

it("has a row in the README for each of them", () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  for (const code of Object.values(EXIT)) expect(readme).toMatch(new RegExp(`^\\| ${code} +\\| \\S`, "m"));
});
