import { describe, expect, it } from "vitest";
import { mapFailure, readIncompleteReason } from "./map-failure.ts";

const map = (message: string, codexErrorInfo: unknown, isBegun = false) =>
  mapFailure({ error: { message, codexErrorInfo }, isBegun, rateLimits: undefined, nowMs: 0 });

describe("mapFailure", () => {
  it.each([
    ["contextWindowExceeded", "context_length_exceeded"],
    ["usageLimitExceeded", "usage_limit_reached"],
    ["serverOverloaded", "upstream_overloaded"],
    ["modelNotFound", "upstream_model_not_found"],
    ["unauthorized", "upstream_unauthorized"],
    ["cyberPolicy", "content_policy_violation"],
    ["internalServerError", "upstream_error"],
    ["somethingNew", "upstream_error"],
    [null, "upstream_error"],
    [{ httpConnectionFailed: { httpStatusCode: 401 } }, "upstream_unauthorized"],
    [{ httpConnectionFailed: { httpStatusCode: 402 } }, "upstream_billing"],
    [{ httpConnectionFailed: { httpStatusCode: 413 } }, "request_too_large"],
    [{ responseTooManyFailedAttempts: { httpStatusCode: 429 } }, "rate_limit_exceeded"],
    [{ responseStreamConnectionFailed: { httpStatusCode: 503 } }, "upstream_overloaded"],
    [{ httpConnectionFailed: { httpStatusCode: 502 } }, "upstream_error"],
    [{ httpConnectionFailed: { httpStatusCode: 418 } }, "invalid_request"],
    [{ httpConnectionFailed: { httpStatusCode: null } }, "upstream_connection_failed"],
  ])("reads the kind before any words: %j", (info, code) => {
    expect(map("whatever it says", info).code).toBe(code);
  });

  it("tells a quota that is used up from a subscription's limit", () => {
    expect(map("Quota exceeded. Check your plan and billing details.", "usageLimitExceeded").code).toBe(
      "insufficient_quota",
    );
  });

  it("takes a lost connection behind a part of the answer for an incomplete one", () => {
    expect(map("x", { responseStreamDisconnected: { httpStatusCode: null } }, true).code).toBe("upstream_incomplete");
  });

  it("shows the client no words of the CLI's, except the API's about its own request", () => {
    const secret = "unexpected status 500, url: http://10.0.0.1/v1 account me@example.org";
    expect(map(secret, "other").message).not.toMatch(/10\.0\.0\.1|example/);
    const body = JSON.stringify({ error: { message: "Invalid value: 'x', key sk-abcdef123456" } });
    expect(map(body, "other")).toMatchObject({ code: "invalid_request", message: "Invalid value: 'x', key [removed]" });
  });

  it("names a variable that the owner did not pass as a missing login", () => {
    expect(map("Missing environment variable: `MY_KEY`.", "other").code).toBe("cli_not_logged_in");
  });
});

describe("readIncompleteReason", () => {
  it("reads it wherever it stands", () => {
    const message = "stream disconnected before completion: Incomplete response returned, reason: content_filter";
    expect(readIncompleteReason({ message, codexErrorInfo: "other" })).toBe("content_filter");
    expect(readIncompleteReason({ message: "no", codexErrorInfo: "other" })).toBeUndefined();
  });
});
