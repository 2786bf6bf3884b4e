import { expect, test } from "vitest";
import { requestBody, requestInputUrl, requestPayload } from "./request-payload.ts";
import { agentRequestSchema, PROTOCOL_LIMITS } from "./types.ts";

const payloadFor = (bodyJson: string): string =>
  requestPayload({
    requestId: "req/1 ü",
    attempt: 2,
    model: "sonnet",
    stream: true,
    timeouts: { firstOutputMs: 120_000, idleMs: 60_000 },
    remainingMs: -3.5,
    bodyJson,
  });

test("a small body goes inline on one line, whatever is in it", () => {
  const body = { messages: [{ role: "user", content: 'two\nlines\r\n\u2028 "and" }' }] };
  const payload = payloadFor(JSON.stringify(body));
  expect(payload).not.toMatch(/[\r\n]/);
  const request = agentRequestSchema.parse(JSON.parse(payload));
  expect(request).toMatchObject({ requestId: "req/1 ü", attempt: 2, firstEventTimeoutMs: 120_000, body });
  expect(request.deadlineMs).toBe(1);
});

test("a body over the limit, counted in bytes, goes by reference", () => {
  const atLimit = JSON.stringify("a".repeat(PROTOCOL_LIMITS.maxInlineRequestBytes - 2));
  expect(JSON.parse(payloadFor(atLimit)).inputUrl).toBeUndefined();
  const over = JSON.stringify("ä".repeat(PROTOCOL_LIMITS.maxInlineRequestBytes / 2));
  expect(agentRequestSchema.parse(JSON.parse(payloadFor(over)))).toMatchObject({
    inputUrl: "/api/agent/requests/req%2F1%20%C3%BC/input",
  });
  expect(requestInputUrl("req_1")).toBe("/api/agent/requests/req_1/input");
});

test("a request that is nested too deeply to be written is the client's error", () => {
  let nested: unknown = "";
  for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
  const request = { model: "provider/sonnet", messages: [{ role: "user" as const, content: "hi" }] };
  expect(JSON.parse(requestBody(request, "sonnet"))).toEqual({ ...request, model: "sonnet" });
  expect(() => requestBody({ ...request, metadata: nested }, "sonnet")).toThrow(
    expect.objectContaining({ code: "invalid_request", message: "The request is nested too deeply.", failover: false }),
  );
});
