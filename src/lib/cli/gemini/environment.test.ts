import { describe, expect, it } from "vitest";
import { baseEnvironment, homeEnvironment } from "./environment.ts";

describe("baseEnvironment", () => {
  it("lets through what is allowed or named, and nothing that could change prompts or where they go", () => {
    const outer = {
      PATH: "/bin",
      GEMINI_API_KEY: "k",
      OTHER_SECRET: "s",
      GOOGLE_CLOUD_PROJECT: "p",
      GEMINI_WRITE_SYSTEM_MD: "/x",
      GEMINI_TELEMETRY_OUTFILE: "/x",
      GEMINI_CLI_HOME: "/x",
      NODE_OPTIONS: "--require x",
    };
    const named = ["GEMINI_API_KEY", "GEMINI_WRITE_SYSTEM_MD", "GEMINI_TELEMETRY_OUTFILE", "GEMINI_CLI_HOME"];
    expect(baseEnvironment(outer, named)).toEqual({
      PATH: "/bin",
      GEMINI_API_KEY: "k",
      GOOGLE_CLOUD_PROJECT: "p",
      GEMINI_CLI_NO_RELAUNCH: "true",
      NO_BROWSER: "true",
      GEMINI_SANDBOX: "false",
    });
  });
});

describe("homeEnvironment", () => {
  it("leads all that the CLI writes into the private home", () => {
    const values = Object.values(homeEnvironment("/p/home", "/p/home/t", true));
    expect(values.filter((value) => value.includes("/")).every((path) => path.startsWith("/p/home"))).toBe(true);
  });
});
