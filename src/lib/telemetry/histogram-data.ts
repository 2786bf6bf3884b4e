/**
 * The numbers of one histogram series. Observing is a scan over some fifteen bounds and three additions, without the
 * label hashing of `prom-client` (see request-metrics.ts for what that costs).
 */
export class HistogramData {
  readonly counts: Float64Array;
  readonly #bounds: readonly number[];
  sum = 0;

  /** @param bounds ascending upper bounds, without infinity. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += value;
  }
}
