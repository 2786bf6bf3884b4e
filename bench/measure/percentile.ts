/** The nearest-rank percentile of an ascending list; 0 for an empty one. `rank` is from 0 to 100. */
export function percentile(ascending: ArrayLike<number>, rank: number): number {
  if (ascending.length === 0) return 0;
  const index = Math.max(0, Math.ceil((rank / 100) * ascending.length) - 1);
  return ascending[index] ?? 0;
}

/** The middle value, or the mean of the middle two; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const ascending = [...values].sort((left, right) => left - right);
  const middle = Math.floor(ascending.length / 2);
  const upper = ascending[middle] ?? Number.NaN;
  return ascending.length % 2 === 1 ? upper : ((ascending[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * The median over the rounds of how two figures compare in each: what slows the whole machine down for a while weighs on
 * both alike. Where one has missed a round, it is how their medians compare.
 */
export function compareRounds(
  left: readonly number[],
  right: readonly number[],
  compare: (left: number, right: number) => number,
): number {
  if (left.length !== right.length) return compare(median(left), median(right));
  return median(left.map((value, round) => compare(value, right[round] ?? Number.NaN)));
}

/** What is kept of many durations, in milliseconds. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export function summarize(milliseconds: readonly number[]): Spread {
  const ascending = Float64Array.from(milliseconds).sort();
  return {
    count: ascending.length,
    p50: percentile(ascending, 50),
    p90: percentile(ascending, 90),
    p99: percentile(ascending, 99),
    max: ascending[ascending.length - 1] ?? 0,
  };
}
