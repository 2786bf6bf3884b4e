import { describe, expect, it } from "vitest";
import { buildArguments } from "./arguments.ts";
import { baseEnvironment, requestEnvironment, requestSettings } from "./environment.ts";
import { prepareRequest } from "./prepare-request.ts";

const owner = {
  PATH: "/bin",
  HOME: "/home/a",
  LC_ALL: "C",
  XDG_CONFIG_HOME: "/x",
  XDG_RUNTIME_DIR: "/run/user/1",
  HTTPS_PROXY: "http://p",
  CLAUDE_CONFIG_DIR: "/c",
  CLAUDE_CODE_OAUTH_TOKEN: "token",
  AWS_SECRET_ACCESS_KEY: "aws",
  DATABASE_URL: "postgres://",
  AGENT_SECRET: "secret",
  ANTHROPIC_API_KEY: "key",
  ANTHROPIC_BASE_URL: "http://b",
  NODE_OPTIONS: "--require x",
  CLAUDE_CODE_EXTRA_BODY: '{"system":"x"}',
  CLAUDE_CODE_MAX_RETRIES: "99",
  NODE_ENV: "test",
} as const;

describe("baseEnvironment", () => {
  it("passes the system's and the login's variables and none of the owner's other secrets", () => {
    const environment = baseEnvironment(owner, []);
    expect(environment).toMatchObject({ PATH: "/bin", HOME: "/home/a", LC_ALL: "C", XDG_CONFIG_HOME: "/x" });
    expect(environment).toMatchObject({ CLAUDE_CONFIG_DIR: "/c", CLAUDE_CODE_OAUTH_TOKEN: "token" });
    for (const name of [
      "AWS_SECRET_ACCESS_KEY",
      "DATABASE_URL",
      "AGENT_SECRET",
      "ANTHROPIC_API_KEY",
      "NODE_OPTIONS",
      "XDG_RUNTIME_DIR",
    ]) {
      expect(environment).not.toHaveProperty(name);
    }
  });

  it("passes what the owner names, but never what would change a prompt or our own settings", () => {
    const environment = baseEnvironment(owner, [
      "ANTHROPIC_API_KEY",
      "ANTHROPIC_BASE_URL",
      "CLAUDE_CODE_EXTRA_BODY",
      "CLAUDE_CODE_MAX_RETRIES",
      "NOT_SET",
    ]);
    expect(environment).toMatchObject({ ANTHROPIC_API_KEY: "key", ANTHROPIC_BASE_URL: "http://b" });
    expect(environment).toMatchObject({ CLAUDE_CODE_MAX_RETRIES: "1", CLAUDE_CODE_DISABLE_ATTACHMENTS: "1" });
    expect(environment).not.toHaveProperty("CLAUDE_CODE_EXTRA_BODY");
    expect(environment).not.toHaveProperty("NOT_SET");
  });
});

describe("requestEnvironment", () => {
  const messages = [{ role: "user" as const, content: "secret words" }];

  it("holds nothing for a plain request, and a running process is told nothing", () => {
    const plain = prepareRequest({ model: "opus", messages }, "opus");
    expect(requestEnvironment(plain)).toEqual({});
    expect(requestSettings(plain)).toBeUndefined();
  });

  it("tells a running process the same, and the effort", () => {
    const request = { model: "x", messages, max_tokens: 5000, reasoning_effort: "low" };
    const prepared = prepareRequest(request, "claude-opus-5-5");
    expect(requestSettings(prepared)).toEqual({ effortLevel: "low", env: requestEnvironment(prepared) });
  });

  it("carries parameters only, never text of the conversation", () => {
    const request = { model: "x", messages, max_tokens: 100, temperature: 0.5, stop: "END" };
    expect(requestEnvironment(prepareRequest(request, "claude-sonnet-4-5"))).toEqual({
      CLAUDE_CODE_MAX_OUTPUT_TOKENS: "100",
      CLAUDE_CODE_DISABLE_THINKING: "1",
      CLAUDE_CODE_EXTRA_BODY: '{"temperature":0.5,"stop_sequences":["END"]}',
    });
  });
});

describe("buildArguments", () => {
  it("takes tools, settings, servers and sessions away and asks for the API's own events", () => {
    const line = buildArguments({ model: "opus", effort: "low", resumePath: "/p/s.jsonl" }).join(" ");
    for (const part of [
      "--input-format stream-json",
      "--output-format stream-json",
      "--include-partial-messages",
      "--tools  ",
      "--disallowedTools Read(//**)",
      "--setting-sources  ",
      "--strict-mcp-config",
      "--no-session-persistence",
      "--disable-slash-commands",
      "--allowedTools mcp__client",
      "--model opus",
      "--effort low",
      "--resume /p/s.jsonl",
    ]) {
      expect(line).toContain(part);
    }
  });
});
