import { expect, test } from "vitest";
import { requestInputUrl, requestPayload } from "./request-payload.ts";
import { agentRequestSchema, PROTOCOL_LIMITS } from "./types.ts";

const payloadFor = (bodyJson: string): string =>
  requestPayload({
    requestId: "req/1 ü",
    attempt: 2,
    model: "sonnet",
    stream: true,
    timeouts: { firstOutputMs: 120_000, idleMs: 60_000 },
    remainingMs: -3.5,
    body: Buffer.from(bodyJson),
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
