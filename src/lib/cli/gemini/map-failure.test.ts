import { describe, expect, it } from "vitest";
import { mapFailure } from "./map-failure.ts";

describe("mapFailure", () => {
  it.each([
    [500, "exception TypeError: fetch failed sending request", "upstream_connection_failed", true],
    [500, "terminated", "upstream_connection_failed", true],
    [500, "Expected property name or '}' in JSON at position 1", "upstream_invalid_response", true],
    [500, '{"error":{"code":500,"message":"internal","status":"INTERNAL"}}', "upstream_error", true],
    [503, "overloaded", "upstream_overloaded", true],
    [504, "", "upstream_timeout", true],
    [401, "", "upstream_unauthorized", true],
    [403, "", "upstream_unauthorized", true],
    [400, "API key not valid. Please pass a valid API key.", "upstream_unauthorized", true],
    [
      400,
      "The input token count (2) exceeds the maximum number of tokens allowed (1).",
      "context_length_exceeded",
      false,
    ],
    [413, "", "request_too_large", false],
    [429, "You exceeded your quota. Quota will reset after 8h.", "usage_limit_reached", true],
  ])("tells %d %j as %s", (code, message, told, failover) => {
    expect(mapFailure({ code, message }, undefined, undefined)).toMatchObject({ code: told, failover });
  });

  it("believes the telemetry's status before the reply's", () => {
    expect(mapFailure({ code: 500, message: "x" }, { status_code: 404 }, undefined).code).toBe(
      "upstream_model_not_found",
    );
    expect(mapFailure({ code: 503, message: "x" }, { status_code: null }, undefined).code).toBe("upstream_overloaded");
  });

  it("tells an invalid request in the API's innermost words, without what looks like a secret", () => {
    const inner = JSON.stringify({ error: { message: "Bad field; token=abcdef123456" } });
    const message = JSON.stringify({ error: { message: inner } });
    expect(mapFailure({ code: 400, message }, undefined, undefined).message).toBe("Bad field; token=[removed]");
  });

  it("tells a wait only for what passes", () => {
    const message = "Resource has been exhausted\nSuggested retry after 13.2s.";
    expect(mapFailure({ code: 429, message }, undefined, undefined).retryAfterMs).toBe(13_200);
    expect(mapFailure({ code: 500, message }, undefined, undefined).retryAfterMs).toBeUndefined();
  });
});
