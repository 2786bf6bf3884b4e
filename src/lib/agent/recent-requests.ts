/** The requests that ended lately on one agent, with their last sequence number; the oldest are forgotten. */
export class RecentRequests {
  readonly #limit: number;
  readonly #ackedSeqById = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  remember(requestId: string, ackedSeq: number): void {
    this.#ackedSeqById.delete(requestId);
    this.#ackedSeqById.set(requestId, ackedSeq);
    if (this.#ackedSeqById.size <= this.#limit) return;
    for (const oldest of this.#ackedSeqById.keys()) {
      this.#ackedSeqById.delete(oldest);
      return;
    }
  }

  has(requestId: string): boolean {
    return this.#ackedSeqById.has(requestId);
  }

  /** Undefined when the request is not (or no longer) known. */
  ackedSeq(requestId: string): number | undefined {
    return this.#ackedSeqById.get(requestId);
  }
}
