import { describe, expect, it } from "vitest";
import {
  ERROR_CODES,
  GatewayError,
  isErrorCode,
  renderErrorBody,
  renderErrorHeaders,
  toGatewayError,
} from "./errors.ts";

describe("errors", () => {
  it("renders all four keys of an OpenAI error with real nulls", () => {
    const error = new GatewayError("model_not_found", "no such model");
    expect(JSON.stringify(renderErrorBody(error))).toBe(
      '{"error":{"message":"no such model","type":"invalid_request_error","param":null,"code":"model_not_found"}}',
    );
  });

  it("rounds Retry-After up to whole seconds and keeps the milliseconds beside it", () => {
    const error = new GatewayError("rate_limit_exceeded", "wait", { retryAfterMs: 1500.2, shouldRetry: false });
    expect(renderErrorHeaders(error)).toEqual({
      "retry-after": "2",
      "retry-after-ms": "1501",
      "x-should-retry": "false",
    });
  });

  it("says that repeating does not help where the table knows it, unless the failure knows better", () => {
    const said = (error: GatewayError) => renderErrorHeaders(error)["x-should-retry"];
    expect(said(new GatewayError("insufficient_quota", "x"))).toBe("false");
    expect(said(new GatewayError("upstream_unauthorized", "x"))).toBe("false");
    expect(said(new GatewayError("upstream_unauthorized", "x", { shouldRetry: true }))).toBe("true");
    expect(said(new GatewayError("rate_limit_exceeded", "x"))).toBeUndefined();
    expect(said(new GatewayError("circuit_open", "x"))).toBeUndefined();
  });

  it("passes an upstream's headers on, and lets none of them stand in for its own", () => {
    const upstreamHeaders = { "x-ratelimit-limit-tokens": "5", "retry-after": "99" };
    expect(
      renderErrorHeaders(new GatewayError("rate_limit_exceeded", "x", { upstreamHeaders, retryAfterMs: 0 })),
    ).toEqual({ "x-ratelimit-limit-tokens": "5", "retry-after": "0", "retry-after-ms": "0" });
  });

  it("tells nothing of an unexpected failure", () => {
    const error = toGatewayError(new Error("password=hunter2 at /home/user"));
    expect(error.code).toBe("server_error");
    expect(JSON.stringify(renderErrorBody(error))).not.toContain("hunter2");
  });

  it("keeps every status of the table a legal HTTP error status", () => {
    for (const entry of Object.values(ERROR_CODES)) {
      expect(entry.status).toBeGreaterThanOrEqual(400);
      expect(entry.status).toBeLessThanOrEqual(599);
    }
  });

  it("does not take inherited names for codes", () => {
    expect(isErrorCode("toString")).toBe(false);
    expect(isErrorCode("cli_crashed")).toBe(true);
  });
});
