/** Finds the row that a request has left, by the model it asked for. */
import type { LiveRequests } from "../../lib/usage/live-requests.ts";
import type { RequestRecord } from "../../lib/usage/record.ts";

export class RowBook {
  readonly #rows = new Map<string, RequestRecord[]>();
  readonly #unsubscribe: () => void;
  #last: RequestRecord | undefined;

  constructor(live: LiveRequests) {
    this.#unsubscribe = live.subscribe(() => {
      const [row] = live.recent();
      if (row === undefined || row === this.#last || row.requestedModel === null) return;
      this.#last = row;
      this.#rows.set(row.requestedModel, [...(this.#rows.get(row.requestedModel) ?? []), row]);
    });
  }

  /** All rows of a model so far. */
  of(model: string): readonly RequestRecord[] {
    return this.#rows.get(model) ?? [];
  }

  close(): void {
    this.#unsubscribe();
  }
}
