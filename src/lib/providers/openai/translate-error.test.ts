import { describe, expect, it } from "vitest";
import { translateOpenAIError, translateOpenAIErrorPayload } from "./translate-error.ts";

const body = (error: Record<string, unknown>) => JSON.stringify({ error });

describe("translateOpenAIError", () => {
  it.each([
    [400, { code: "context_length_exceeded" }, "context_length_exceeded", 400],
    [400, { code: "unknown_parameter", param: "x" }, "invalid_request", 400],
    [400, { code: "server_error" }, "invalid_request", 400],
    [404, { code: "model_not_found" }, "model_not_found", 404],
    [404, { code: null }, "not_found", 404],
    [409, {}, "conflict", 409],
    [413, {}, "request_too_large", 413],
    [422, { type: "invalid_request_error" }, "invalid_request", 422],
    [401, { code: "invalid_api_key" }, "upstream_unauthorized", 502],
    [403, { code: "permission_denied" }, "upstream_unauthorized", 502],
    [402, {}, "upstream_billing", 502],
    [429, { code: "rate_limit_exceeded" }, "rate_limit_exceeded", 429],
    [429, { type: "insufficient_quota" }, "insufficient_quota", 429],
    [500, { type: "server_error" }, "upstream_error", 502],
    [503, {}, "upstream_overloaded", 503],
    [504, {}, "upstream_timeout", 504],
    [301, {}, "upstream_error", 502],
  ])("%i %j is %s", (status, error, code, clientStatus) => {
    const translated = translateOpenAIError(status, body({ message: "m", ...error }));
    expect(translated).toMatchObject({ code, status: clientStatus });
  });

  it("keeps message and param of the client's own faults", () => {
    const error = translateOpenAIError(400, body({ message: "Unknown parameter: 'x'.", param: "x", code: null }));
    expect(error).toMatchObject({ message: "Unknown parameter: 'x'.", param: "x", failover: false });
  });

  it("lets another target try a model that this one lacks, and every fault of the upstream", () => {
    expect(translateOpenAIError(404, body({ message: "m", code: "model_not_found" })).failover).toBe(true);
    expect(translateOpenAIError(500, "").failover).toBe(true);
    expect(translateOpenAIError(401, "").failover).toBe(true);
  });

  it("tells SDKs not to retry an empty quota", () => {
    expect(translateOpenAIError(429, body({ code: "insufficient_quota" }))).toMatchObject({ shouldRetry: false });
    expect(translateOpenAIError(429, body({}), 2000)).toMatchObject({ shouldRetry: undefined, retryAfterMs: 2000 });
  });

  it("reads the plainer shapes of compatible servers", () => {
    expect(translateOpenAIError(400, '{"error":"model is required"}').message).toBe("model is required");
    expect(translateOpenAIError(422, '{"detail":"bad"}').message).toBe("bad");
    expect(translateOpenAIError(400, '[{"error":{"message":"bad","code":400}}]').message).toBe("bad");
  });

  it("never quotes what is no error object, nor words about the proxy's key", () => {
    const page = translateOpenAIError(404, "<html>sk-abcdef</html>");
    expect(page).toMatchObject({ code: "upstream_error", message: "The upstream answered with HTTP status 404." });
    const key = translateOpenAIError(401, body({ message: "Incorrect API key provided: sk-ab***yz" }));
    expect(key.message).not.toContain("sk-");
    expect(translateOpenAIError(500, body({ message: "key sk-abc.d/ef leaked" })).message).toBe("key [removed] leaked");
  });

  it("finds the error in a 2xx answer of the wrong kind, and says so where there is none", () => {
    expect(translateOpenAIError(200, body({ message: "no", type: "invalid_request_error" })).status).toBe(400);
    expect(translateOpenAIError(200, "<html>").code).toBe("upstream_invalid_response");
  });
});

describe("translateOpenAIErrorPayload", () => {
  it.each([
    [{ type: "server_error" }, "upstream_error"],
    [{ code: 429 }, "rate_limit_exceeded"],
    [{ code: 502 }, "upstream_error"],
    [{ code: "insufficient_quota" }, "insufficient_quota"],
    [{ code: "context_length_exceeded" }, "context_length_exceeded"],
    [{ type: "overloaded_error" }, "upstream_overloaded"],
    [{ type: "toString" }, "upstream_error"],
  ])("%j is %s", (error, code) => {
    expect(translateOpenAIErrorPayload({ error: { message: "m", ...error } }).code).toBe(code);
  });
});
