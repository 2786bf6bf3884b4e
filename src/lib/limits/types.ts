/** Where a key stands with its requests per minute. */
export interface RequestQuota {
  /** Requests that are let through in any 60 seconds. */
  readonly limit: number;
  readonly remaining: number;
  /** Until all of the limit is there again if nothing more is asked, in milliseconds. */
  readonly resetMs: number;
}

/** What a limiter says of one request. */
export type Verdict =
  | {
      readonly admitted: true;
      /** To be called once, when the request has ended; calling it again does nothing. */
      readonly release: () => void;
      /** Left out where requests per minute are not limited. */
      readonly quota?: RequestQuota | undefined;
    }
  | {
      readonly admitted: false;
      /**
       * `rate`: the key's requests per minute are used up. `concurrency`: it has as many under way as it may.
       * `full`: the proxy has. `away`: whoever keeps the count does not answer.
       */
      readonly reason: "rate" | "concurrency" | "full" | "away";
      /** When asking again may help, in milliseconds. */
      readonly retryAfterMs: number;
      readonly quota?: RequestQuota | undefined;
    };

/** Decides who is let in. Never throws and never rejects. */
export interface Limiter {
  /** Takes a place for one request of a key, all limits at once or none of them. */
  reserve(keyId: string): Verdict | Promise<Verdict>;
}
