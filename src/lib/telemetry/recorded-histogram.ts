import { Histogram, type Registry } from "prom-client";
import type { HistogramData } from "./histogram-data.ts";

export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly data: HistogramData;
}

interface RecordedHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly bounds: readonly number[];
  /** The series at this moment; asked at a scrape only. */
  readonly series: () => Iterable<HistogramSeries>;
}

interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Put beside `labels` when it is rendered, as prom-client's own histograms have it. */
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface RenderedHistogram {
  readonly name: string;
  readonly help: string;
  readonly type: "histogram";
  readonly aggregator: "sum";
  values: HistogramValue[];
}

/** A `prom-client` histogram whose numbers are kept elsewhere, in {@link HistogramData}, and read at a scrape. */
class RecordedHistogram extends Histogram {
  readonly #options: RecordedHistogramOptions;

  constructor(options: RecordedHistogramOptions) {
    const { name, help, labelNames, bounds } = options;
    super({ name, help, labelNames, buckets: [...bounds], registers: [] });
    this.#options = options;
  }

  /** What `Registry.metrics`, and `get` for the form as JSON by which several processes add theirs up, are made from. */
  async getForPromString(): Promise<RenderedHistogram> {
    const { name, help } = this.#options;
    const values = [...this.#options.series()].flatMap((series) => this.#values(series));
    return { name, help, type: "histogram", aggregator: "sum", values };
  }

  #values({ labels, data }: HistogramSeries): HistogramValue[] {
    const { name, bounds } = this.#options;
    const values: HistogramValue[] = [];
    let count = 0;
    for (const [index, inBucket] of data.counts.entries()) {
      count += inBucket;
      const le = index < bounds.length ? String(bounds[index]) : "+Inf";
      values.push({ metricName: `${name}_bucket`, labels: { le }, sharedLabels: labels, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels: {}, sharedLabels: labels, value: data.sum });
    values.push({ metricName: `${name}_count`, labels: {}, sharedLabels: labels, value: count });
    return values;
  }
}

/** Registers a histogram whose numbers are kept elsewhere. Those of several processes add up. */
export function registerHistogram(registry: Registry, options: RecordedHistogramOptions): void {
  registry.registerMetric(new RecordedHistogram(options));
}
