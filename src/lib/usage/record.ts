/** One row of the request log: what a request asked for, who served it, what it used and how it ended. */
export interface RequestRecord {
  readonly id: string;
  /** Arrival, milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly keyId: string | null;
  readonly keyName: string | null;
  readonly requestedModel: string | null;
  readonly servedModel: string | null;
  readonly provider: string | null;
  readonly agentId: string | null;
  /** The HTTP status sent; 499 when the client went away, and the error's status where a started stream failed. */
  readonly status: number;
  readonly errorCode: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cachedTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly tokensEstimated: boolean;
  readonly costUsd: number | null;
  readonly firstTokenMs: number | null;
  readonly totalMs: number;
  readonly streamed: boolean;
  readonly clientGone: boolean;
  /** Attempts made, failed ones included. */
  readonly attempts: number;
}
