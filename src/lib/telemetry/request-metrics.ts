import type { Registry } from "prom-client";
import { isErrorCode } from "../http/errors.ts";
import { HistogramData } from "./histogram-data.ts";
import { registerHistogram, type HistogramSeries } from "./recorded-histogram.ts";
import { registerCounter } from "./recorded-metrics.ts";
import type { RequestEnd } from "./request-end.ts";

const FIRST_TOKEN_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const TOTAL_BOUNDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800];
const OVERHEAD_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

const TOKEN_KINDS = ["prompt", "completion", "cached", "reasoning"] as const;
/** Models with series of their own in one process; more are counted as {@link OTHER_MODEL}. */
const MAX_MODELS = 64;
const MAX_MODEL_LABEL_LENGTH = 128;
const OTHER_MODEL = "other";
const NO_PROVIDER = "none";
const SUCCESS = "ok";

/** Tells whether a provider lists a model: at once where that is known, else as soon as the list is there. */
export type IsListed = (provider: string, model: string) => boolean | Promise<boolean>;

interface ModelSeries {
  readonly provider: string;
  readonly model: string;
  /** By code (`ok` for none) the requests of each status class, 1xx to 5xx. */
  readonly ends: Map<string, Float64Array>;
  readonly tokens: Float64Array;
  readonly firstToken: HistogramData;
  readonly total: HistogramData;
}

interface ProviderSeries {
  attempts: number;
  /** By model as clients ask for it; only listed models are kept here. */
  readonly models: Map<string, ModelSeries>;
  readonly other: ModelSeries;
  readonly overhead: HistogramData;
}

/**
 * Counts requests. Plain numbers are kept on the way of a request and given to `prom-client` at a scrape, since its own
 * counting hashes the labels each time, also of children that `labels()` gave: what one request counts costs 5.3 us of
 * CPU by `inc` and `observe` (with labels or on children), and 0.07 us this way (Node 24, x86-64, two warm models).
 *
 * Labels are bounded: providers are the registry's, codes the code table's, and a model has series of its own only where
 * its provider lists it, and no more than 64 of them.
 */
export class RequestMetrics {
  readonly #isListed: IsListed;
  readonly #providers = new Map<string, ProviderSeries>();
  #models = 0;
  #retries = 0;

  constructor(registry: Registry, isListed: IsListed) {
    this.#isListed = isListed;
    this.#register(registry);
  }

  attempt(provider: string): void {
    this.#provider(provider).attempts += 1;
  }

  ended(end: RequestEnd): void {
    const { record } = end;
    const provider = record.provider ?? NO_PROVIDER;
    const series = this.#provider(provider);
    series.overhead.observe(end.overheadMs / 1000);
    this.#retries += Math.max(0, record.attempts - 1);
    const asked = record.requestedModel;
    const known = asked === null || record.provider === null ? series.other : series.models.get(asked);
    if (known !== undefined) return count(known, end);
    // An id may be forced to its provider by a prefix, which is no part of the model.
    const model = asked?.startsWith(`${provider}/`) ? asked.slice(provider.length + 1) : (asked ?? "");
    const mayHaveSeries = this.#models < MAX_MODELS && model.length <= MAX_MODEL_LABEL_LENGTH && model !== OTHER_MODEL;
    const listed = mayHaveSeries && this.#isListed(provider, model);
    if (typeof listed === "boolean")
      count(listed ? this.#adopt(series, provider, asked ?? "", model) : series.other, end);
    else void listed.then((is) => count(is ? this.#adopt(series, provider, asked ?? "", model) : series.other, end));
  }

  #adopt(series: ProviderSeries, provider: string, asked: string, model: string): ModelSeries {
    const existing = series.models.get(asked) ?? series.models.get(model);
    const adopted = existing ?? createModelSeries(provider, model);
    if (existing === undefined) {
      if (this.#models >= MAX_MODELS) return series.other;
      this.#models += 1;
      series.models.set(model, adopted);
    }
    series.models.set(asked, adopted);
    return adopted;
  }

  #provider(provider: string): ProviderSeries {
    const known = this.#providers.get(provider);
    if (known !== undefined) return known;
    const series: ProviderSeries = {
      attempts: 0,
      models: new Map(),
      other: createModelSeries(provider, OTHER_MODEL),
      overhead: new HistogramData(OVERHEAD_BOUNDS),
    };
    this.#providers.set(provider, series);
    return series;
  }

  *#modelSeries(): Iterable<ModelSeries> {
    for (const { models, other } of this.#providers.values()) {
      yield* new Set(models.values());
      yield other;
    }
  }

  /** How many requests ended so, with the code that {@link ModelSeries.ends} has them under. */
  *#ends(): Iterable<{ series: ModelSeries; code: string; status: string; requests: number }> {
    for (const series of this.#modelSeries()) {
      for (const [code, classes] of series.ends) {
        for (const [index, requests] of classes.entries()) {
          if (requests > 0) yield { series, code, status: `${index + 1}xx`, requests };
        }
      }
    }
  }

  #register(registry: Registry): void {
    registerCounter(registry, {
      name: "codewise_requests_total",
      help: "Chat requests that have ended, by the provider tried last, status class and code (ok: none).",
      labelNames: ["provider", "model", "status", "code"],
      samples: () =>
        [...this.#ends()].map(({ series: { provider, model }, status, code, requests }) => [
          { provider, model, status, code },
          requests,
        ]),
    });
    registerCounter(registry, {
      name: "codewise_errors_total",
      help: "Chat requests that failed, by code of the code table.",
      labelNames: ["code"],
      samples: () =>
        [...this.#ends()].filter(({ code }) => code !== SUCCESS).map(({ code, requests }) => [{ code }, requests]),
    });
    registerCounter(registry, {
      name: "codewise_tokens_total",
      help: "Tokens used. Cached ones are among the prompt's, reasoning ones among the completion's.",
      labelNames: ["provider", "model", "kind"],
      samples: () =>
        [...this.#modelSeries()].flatMap(({ provider, model, tokens }) =>
          TOKEN_KINDS.map((kind, index) => [{ provider, model, kind }, tokens[index] ?? 0] as const).filter(
            ([, used]) => used > 0,
          ),
        ),
    });
    registerCounter(registry, {
      name: "codewise_attempts_total",
      help: "Attempts at providers, the first of a request included.",
      labelNames: ["provider"],
      samples: () =>
        [...this.#providers]
          .filter(([, { attempts }]) => attempts > 0)
          .map(([provider, { attempts }]) => [{ provider }, attempts]),
    });
    registerCounter(registry, {
      name: "codewise_retries_total",
      help: "Attempts after the first one of a request, at the same provider or the next.",
      read: () => this.#retries,
    });
    registerHistogram(registry, {
      name: "codewise_first_token_seconds",
      help: "From arrival to the first output, of requests that had one.",
      labelNames: ["provider", "model"],
      bounds: FIRST_TOKEN_BOUNDS,
      series: () => this.#byModel((series) => series.firstToken),
    });
    registerHistogram(registry, {
      name: "codewise_request_seconds",
      help: "From arrival to the end, failed requests included.",
      labelNames: ["provider", "model"],
      bounds: TOTAL_BOUNDS,
      series: () => this.#byModel((series) => series.total),
    });
    registerHistogram(registry, {
      name: "codewise_overhead_seconds",
      help: "Time inside the proxy before the headers went out, as x-codewise-overhead-ms says it.",
      labelNames: ["provider"],
      bounds: OVERHEAD_BOUNDS,
      series: () => [...this.#providers].map(([provider, { overhead }]) => ({ labels: { provider }, data: overhead })),
    });
  }

  #byModel(choose: (series: ModelSeries) => HistogramData): HistogramSeries[] {
    return [...this.#modelSeries()]
      .filter((series) => series.ends.size > 0)
      .map((series) => ({ labels: { provider: series.provider, model: series.model }, data: choose(series) }));
  }
}

function createModelSeries(provider: string, model: string): ModelSeries {
  return {
    provider,
    model,
    ends: new Map(),
    tokens: new Float64Array(TOKEN_KINDS.length),
    firstToken: new HistogramData(FIRST_TOKEN_BOUNDS),
    total: new HistogramData(TOTAL_BOUNDS),
  };
}

function count(series: ModelSeries, { record }: RequestEnd): void {
  const code = record.errorCode === null ? SUCCESS : isErrorCode(record.errorCode) ? record.errorCode : "other";
  let classes = series.ends.get(code);
  if (classes === undefined) series.ends.set(code, (classes = new Float64Array(5)));
  add(classes, Math.min(4, Math.max(0, Math.trunc(record.status / 100) - 1)), 1);
  series.total.observe(record.totalMs / 1000);
  if (record.firstTokenMs !== null) series.firstToken.observe(record.firstTokenMs / 1000);
  const { tokens } = series;
  if (record.promptTokens !== null) add(tokens, 0, record.promptTokens);
  if (record.completionTokens !== null) add(tokens, 1, record.completionTokens);
  if (record.cachedTokens !== null) add(tokens, 2, record.cachedTokens);
  if (record.reasoningTokens !== null) add(tokens, 3, record.reasoningTokens);
}

function add(numbers: Float64Array, index: number, amount: number): void {
  numbers[index] = (numbers[index] ?? 0) + amount;
}
