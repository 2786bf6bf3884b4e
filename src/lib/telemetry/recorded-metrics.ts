import { Counter, Gauge, type Aggregator, type Registry } from "prom-client";

type Labels = Readonly<Record<string, string>>;
/** The values at this moment; asked at a scrape only. */
type ReadSamples = () => Iterable<readonly [labels: Labels, value: number]>;

export interface RecordedMetric {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** One number, for a metric without labels. */
  readonly read?: () => number;
  readonly samples?: ReadSamples;
}

/** Registers a counter whose numbers are kept elsewhere. Those of several processes add up. */
export function registerCounter(registry: Registry, { name, help, labelNames = [], ...source }: RecordedMetric): void {
  const samples = samplesOf(source);
  const counter = new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [],
    collect() {
      this.reset();
      for (const [labels, value] of samples()) this.inc(labels, value);
    },
  });
  registry.registerMetric(counter);
}

/** Registers a gauge whose numbers are kept elsewhere; `aggregator` says what those of several processes make together. */
export function registerGauge(
  registry: Registry,
  { name, help, labelNames = [], aggregator, ...source }: RecordedMetric & { readonly aggregator: Aggregator },
): void {
  const samples = samplesOf(source);
  const gauge = new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    aggregator,
    registers: [],
    collect() {
      this.reset();
      for (const [labels, value] of samples()) this.set(labels, value);
    },
  });
  registry.registerMetric(gauge);
}

function samplesOf({ read, samples }: Pick<RecordedMetric, "read" | "samples">): ReadSamples {
  return samples ?? (() => (read === undefined ? [] : [[{}, read()]]));
}
