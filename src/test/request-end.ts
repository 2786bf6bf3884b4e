import type { RequestEnd } from "../lib/telemetry/request-end.ts";

/** The end of a request that went well, with what a test changes. */
export function createRequestEnd({
  record,
  ...changes
}: Partial<Omit<RequestEnd, "record">> & { readonly record?: Partial<RequestEnd["record"]> } = {}): RequestEnd {
  return {
    kept: true,
    overheadMs: 0.2,
    finishReason: "stop",
    sdkRetryCount: 0,
    ...changes,
    record: {
      id: "req_1",
      keyId: "key_1",
      requestedModel: "gpt-a",
      servedModel: "gpt-a-2026",
      provider: "openai",
      agentId: null,
      status: 200,
      errorCode: null,
      promptTokens: 10,
      completionTokens: 5,
      cachedTokens: 3,
      reasoningTokens: 1,
      firstTokenMs: 12.3456,
      totalMs: 40.0001,
      streamed: true,
      clientGone: false,
      attempts: 1,
      ...record,
    },
  };
}
