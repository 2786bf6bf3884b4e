/** Finds the row that a request has left. */
import type { LiveRequests } from "../../lib/usage/live-requests.ts";
import type { RequestRecord } from "../../lib/usage/record.ts";

export class RowBook {
  readonly #rows = new Map<string, RequestRecord[]>();
  readonly #byId = new Map<string, RequestRecord>();
  readonly #unsubscribe: () => void;
  #last: RequestRecord | undefined;

  constructor(live: LiveRequests) {
    this.#unsubscribe = live.subscribe(() => {
      const [row] = live.recent();
      if (row === undefined || row === this.#last) return;
      this.#last = row;
      this.#byId.set(row.id, row);
      if (row.requestedModel === null) return;
      this.#rows.set(row.requestedModel, [...(this.#rows.get(row.requestedModel) ?? []), row]);
    });
  }

  /** All rows of a model so far. */
  of(model: string): readonly RequestRecord[] {
    return this.#rows.get(model) ?? [];
  }

  /** The row of a request by its `x-request-id`. */
  withId(requestId: string): RequestRecord | undefined {
    return this.#byId.get(requestId);
  }

  close(): void {
    this.#unsubscribe();
  }
}
