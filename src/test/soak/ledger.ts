/** The tokens that one upstream told of, over all requests. */
export interface Ledger {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Requests that reached it, repeated attempts included. */
  readonly requests: number;
  /** Requests of which it told some usage. */
  readonly told: number;
}

/**
 * Keeps what was told. Told is what was written to a peer that was still reading: either the peer's answer came to its
 * end, or its client has seen output that follows it. The plans see to it that no cut falls between the two.
 */
export class LedgerBook {
  readonly #entries: { promptTokens: number; completionTokens: number; told: boolean }[] = [];

  /** Opens the account of one request; the returned function replaces what was told of it so far. */
  open(): (promptTokens: number, completionTokens: number) => void {
    const entry = { promptTokens: 0, completionTokens: 0, told: false };
    this.#entries.push(entry);
    return (promptTokens, completionTokens) => Object.assign(entry, { promptTokens, completionTokens, told: true });
  }

  total(): Ledger {
    const sum = (field: "promptTokens" | "completionTokens"): number =>
      this.#entries.reduce((total, entry) => total + entry[field], 0);
    return {
      promptTokens: sum("promptTokens"),
      completionTokens: sum("completionTokens"),
      requests: this.#entries.length,
      told: this.#entries.filter(({ told }) => told).length,
    };
  }
}
