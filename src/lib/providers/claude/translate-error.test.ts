import { describe, expect, it } from "vitest";
import { translateClaudeError } from "./translate-error.ts";

const body = (type: string, message: string) => JSON.stringify({ type: "error", error: { type, message } });

describe("translateClaudeError", () => {
  it.each([
    [400, "invalid_request_error", "messages: wrong", "invalid_request", 400],
    [
      400,
      "invalid_request_error",
      "prompt is too long: 210000 tokens > 200000 maximum",
      "context_length_exceeded",
      400,
    ],
    [400, "invalid_request_error", "Your credit balance is too low to access the API.", "upstream_billing", 502],
    [401, "authentication_error", "invalid x-api-key", "upstream_unauthorized", 502],
    [402, "billing_error", "pay", "upstream_billing", 502],
    [403, "permission_error", "no", "upstream_unauthorized", 502],
    [404, "not_found_error", "model: claude-nope", "upstream_model_not_found", 502],
    [413, "request_too_large", "too large", "request_too_large", 413],
    [429, "rate_limit_error", "slow down", "rate_limit_exceeded", 429],
    [500, "api_error", "internal", "upstream_error", 502],
    [503, "api_error", "away", "upstream_overloaded", 503],
    [504, "timeout_error", "late", "upstream_timeout", 504],
    [529, "overloaded_error", "Overloaded", "upstream_overloaded", 503],
    [418, "constructor", "teapot", "upstream_error", 502],
  ])("%i %s (%s) is %s", (status, type, message, code, clientStatus) => {
    expect(translateClaudeError(status, body(type, message))).toMatchObject({ code, status: clientStatus });
  });

  it("keeps the upstream's words for the client's own faults", () => {
    expect(translateClaudeError(400, body("invalid_request_error", "max_tokens: 9 > 8")).message).toBe(
      "max_tokens: 9 > 8",
    );
  });

  it("never shows what concerns the proxy's account, a key, or a page that is no error object", () => {
    const shown = [
      translateClaudeError(401, body("authentication_error", "key sk-ant-api03-abcdef of org 42 is invalid")),
      translateClaudeError(400, body("invalid_request_error", "header sk-ant-api03-x.abcdef is odd")),
      translateClaudeError(502, "<html>secret sk-ant-api03-abcdef</html>"),
    ].map(({ message }) => message);
    expect(shown.join("\n")).not.toMatch(/abcdef|org 42|html/);
    expect(shown[2]).toBe("Anthropic answered with HTTP status 502.");
  });

  it("carries the wait that was asked for", () => {
    expect(translateClaudeError(429, body("rate_limit_error", "x"), 1500).retryAfterMs).toBe(1500);
  });

  it("lets another target try what is not the client's fault, and nothing that is", () => {
    expect(translateClaudeError(529, "").failover).toBe(true);
    expect(translateClaudeError(401, "").failover).toBe(true);
    expect(translateClaudeError(400, "").failover).toBe(false);
  });
});
