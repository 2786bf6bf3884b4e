import { expect, it } from "vitest";
import { createRequestEnd } from "../../test/request-end.ts";
import { readSdkRetryCount } from "./request-end.ts";
import { createRequestLog } from "./request-log.ts";

it("writes one line of JSON with exactly the fields that docs/observability.md tells", () => {
  const lines: string[] = [];
  const log = createRequestLog({ write: (line) => lines.push(line) });
  // A row holds more than may be told.
  log(createRequestEnd({ record: { requestedModel: 'a"b\n', keyName: "secret name" } as object }));
  expect(lines).toHaveLength(1);
  expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
  const { time, ...fields } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  expect(Math.abs(Date.now() - Date.parse(String(time)))).toBeLessThan(5000);
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(fields).toEqual({
    level: "info",
    requestId: "req_1",
    keyId: "key_1",
    model: 'a"b\n',
    servedModel: "gpt-a-2026",
    provider: "openai",
    agentId: null,
    status: 200,
    code: null,
    finishReason: "stop",
    promptTokens: 10,
    completionTokens: 5,
    cachedTokens: 3,
    reasoningTokens: 1,
    firstTokenMs: 12.35,
    totalMs: 40,
    overheadMs: 0.2,
    attempts: 1,
    streamed: true,
    clientGone: false,
    sdkRetryCount: 0,
    msg: "request",
  });
});

it("writes nothing for a request whose row is not kept", () => {
  const lines: string[] = [];
  createRequestLog({ write: (line) => lines.push(line) })(createRequestEnd({ kept: false }));
  expect(lines).toEqual([]);
});

it("takes the SDK's retry count only where it is a small whole number", () => {
  const read = [undefined, "0", "2", "-1", "1.5", "9999", "99999", "x", ["1", "2"]].map(readSdkRetryCount);
  expect(read).toEqual([undefined, 0, 2, undefined, undefined, 1000, undefined, undefined, undefined]);
});
