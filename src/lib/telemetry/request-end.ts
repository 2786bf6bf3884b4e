/** What is known of a chat request once it has ended: what metrics, its log line and its span are made from. */
export interface RequestEnd {
  readonly record: EndedRecord;
  /** Whether its row is kept; those of requests without a valid key have a budget, which the log lines share. */
  readonly kept: boolean;
  /** See `RequestTiming`. */
  readonly overheadMs: number;
  readonly finishReason: string | undefined;
  /** How often the client's SDK has repeated the request, where it says so. */
  readonly sdkRetryCount: number | undefined;
}

/** The part of a request's row that is told: no names of keys and nothing that a client wrote but the model. */
interface EndedRecord {
  readonly id: string;
  readonly keyId: string | null;
  readonly requestedModel: string | null;
  readonly servedModel: string | null;
  readonly provider: string | null;
  readonly agentId: string | null;
  readonly status: number;
  readonly errorCode: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cachedTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly firstTokenMs: number | null;
  readonly totalMs: number;
  readonly streamed: boolean;
  readonly clientGone: boolean;
  readonly attempts: number;
}

const MAX_SDK_RETRY_COUNT = 1000;

/** `X-Stainless-Retry-Count` of OpenAI's SDKs: a whole number, or undefined where there is none that makes sense. */
export function readSdkRetryCount(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string" || !/^\d{1,4}$/.test(header)) return undefined;
  return Math.min(MAX_SDK_RETRY_COUNT, Number(header));
}
