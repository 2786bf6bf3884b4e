/**
 * Where the time of one request goes. The proxy's own part, sent as `x-codewise-overhead-ms`, is
 *
 *     overhead = (headers go out - arrival) - waits
 *
 * A wait is the client's body coming in, or an upstream or agent at work: from the moment its request is handed to the
 * transport until the bytes are there that the answer begins with. Failed attempts are waits from begin to end, and so is
 * what lies between two attempts. Times are `performance.now()` milliseconds. Nothing here costs more than a reading of
 * the clock, and once the headers are out not even that.
 */
export class RequestTiming {
  readonly startedAt: number;
  #waitedMs = 0;
  #waitingSince: number | undefined;
  #receivedAt: number | undefined;
  #overheadMs: number | undefined;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  /** Others are at work from now on. A wait that is open has lasted until now, whatever came in meanwhile. */
  waitBegins(): void {
    const now = performance.now();
    if (this.#waitingSince !== undefined) this.#waitedMs += now - this.#waitingSince;
    this.#waitingSince = now;
    this.#receivedAt = undefined;
  }

  /** The wait is over, and the proxy at work again. */
  waitEnds(): void {
    if (this.#waitingSince === undefined) return;
    this.#waitedMs += performance.now() - this.#waitingSince;
    this.#waitingSince = undefined;
  }

  /** The request was handed to the transport: what came since the wait began was work of the proxy. */
  sent(): void {
    if (this.#waitingSince !== undefined) this.#waitingSince = performance.now();
  }

  /** Bytes of an answer came in. Per chunk, so it does nothing once the headers are out. */
  received(): void {
    if (this.#overheadMs === undefined) this.#receivedAt = performance.now();
  }

  /** The first output is about to go out: what was received last is what it is made from. */
  answered(): void {
    this.#overheadMs ??= this.#measure(this.#receivedAt);
  }

  /** The overhead in milliseconds. The first reading decides: a wait that is open then has lasted until then. */
  get overheadMs(): number {
    this.#overheadMs ??= this.#measure(undefined);
    return this.#overheadMs;
  }

  #measure(receivedAt: number | undefined): number {
    const now = performance.now();
    const open = this.#waitingSince === undefined ? 0 : (receivedAt ?? now) - this.#waitingSince;
    return Math.max(0, now - this.startedAt - this.#waitedMs - open);
  }
}

export const OVERHEAD_HEADER = "x-codewise-overhead-ms";

/** Milliseconds with at most three decimals, for the header. */
export function formatOverhead(overheadMs: number): string {
  return String(Math.round(overheadMs * 1000) / 1000);
}
