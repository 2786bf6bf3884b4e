const MAX_HELD_CHARS = 64 * 1024;

/** The chunks of one stream before its first output; see {@link createLeadHolder}. */
export interface LeadHolder {
  /** Whether there is nothing to hold back any more. */
  readonly released: boolean;
  /**
   * Takes the next payload.
   *
   * @returns What to forward now, in order: nothing while only the lead has come.
   */
  push(payload: string, broughtOutput: boolean): readonly string[];
}

/**
 * Holds back what comes before a stream's first output, such as the chunk that only names the role: until something is
 * forwarded, a failure can still give way to another provider. A lead of more than 64 Ki UTF-16 code units is let go.
 */
export function createLeadHolder(): LeadHolder {
  return new Lead();
}

class Lead implements LeadHolder {
  released = false;
  #held: string[] = [];
  #heldChars = 0;

  push(payload: string, broughtOutput: boolean): readonly string[] {
    if (this.released) return [payload];
    this.#held.push(payload);
    this.#heldChars += payload.length;
    this.released = broughtOutput || this.#heldChars > MAX_HELD_CHARS;
    if (!this.released) return [];
    const lead = this.#held;
    this.#held = [];
    return lead;
  }
}
