import { describe, expect, it } from "vitest";
import { createStderrTail, MAX_STDERR_TAIL, removeSecrets, secretValues } from "./sensitive.ts";

describe("removeSecrets", () => {
  it.each([
    ["key sk-ant-api03-abcDEF_123", "key [removed]"],
    ["Authorization: Bearer abc.def-123", "Authorization: Bearer [removed]"],
    ["jwt eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln end", "jwt [removed] end"],
    ["proxy http://user:hunter22@host:8080/", "proxy http://user:[removed]@host:8080/"],
    ['{"api_key": "abcdef12345"}', '{"api_key": "[removed]"}'],
  ])("cleans %j", (text, clean) => {
    expect(removeSecrets(text, [])).toBe(clean);
  });

  it("removes the values of secret variables wherever they stand, and leaves other words", () => {
    const secrets = secretValues({ MY_TOKEN: "hunter2hunter2", PATH: "/usr/bin", X_KEY: "short" });
    expect(removeSecrets("it said hunter2hunter2 in /usr/bin, short", secrets)).toBe(
      "it said [removed] in /usr/bin, short",
    );
  });
});

describe("createStderrTail", () => {
  it("keeps the last 4,096 characters and never half of a secret", () => {
    const secret = "hunter2".repeat(10);
    const tail = createStderrTail([secret]);
    tail.push("x".repeat(50_000));
    for (const part of [secret.slice(0, 30), secret.slice(30)]) tail.push(part);
    tail.push("y".repeat(MAX_STDERR_TAIL - 20));
    const text = tail.read() ?? "";
    expect(text).toHaveLength(MAX_STDERR_TAIL);
    expect(text).not.toContain("hunter2");
    expect(text.endsWith("y")).toBe(true);
  });

  it("is nothing when nothing was written", () => {
    expect(createStderrTail([]).read()).toBeUndefined();
  });
});
