import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EnvError, envSchema, readEnv } from "./env.ts";

const example = readFileSync(join(import.meta.dirname, "..", "..", ".env.example"), "utf8");
const exampleValues = Object.fromEntries(
  [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map((match) => [match[1], match[2]]),
);

function failureOf(values: Record<string, string>): EnvError | undefined {
  try {
    readEnv(values as NodeJS.ProcessEnv);
    return undefined;
  } catch (error) {
    return error instanceof EnvError ? error : undefined;
  }
}

describe("readEnv", () => {
  it("knows exactly the variables that .env.example documents", () => {
    expect(Object.keys(exampleValues).toSorted()).toEqual(Object.keys(envSchema.shape).toSorted());
  });

  it("has the defaults that .env.example shows", () => {
    expect(readEnv(exampleValues as NodeJS.ProcessEnv)).toEqual(readEnv({} as NodeJS.ProcessEnv));
  });

  it("reports every wrong variable in one line and never quotes a value", () => {
    const failure = failureOf({ PORT: "eighty", AGENT_SECRET: "hunter2", OPENAI_BASE_URL: "ftp://x" });
    expect(failure?.problems.map((problem) => problem.split(":")[0])).toEqual([
      "PORT",
      "OPENAI_BASE_URL",
      "AGENT_SECRET",
    ]);
    expect(failure?.message).not.toContain("hunter2");
  });

  it("takes the trailing slash off base URLs", () => {
    expect(readEnv({ OPENAI_BASE_URL: "http://127.0.0.1:1/v1/" } as unknown as NodeJS.ProcessEnv).OPENAI_BASE_URL).toBe(
      "http://127.0.0.1:1/v1",
    );
  });
});
