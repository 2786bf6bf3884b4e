import { Registry } from "prom-client";
import type { HttpHandler } from "../http/context.ts";
import { registerProcessMetrics } from "./process-metrics.ts";
import { RequestMetrics, type IsListed } from "./request-metrics.ts";
import { registerStateMetrics, type StateSources } from "./state-metrics.ts";

export interface MetricsOptions extends StateSources {
  readonly isListed: IsListed;
}

export interface Metrics {
  /** For an aggregation over several processes: `getMetricsAsJSON` of each, and prom-client's `AggregatorRegistry`. */
  readonly registry: Registry;
  readonly requests: RequestMetrics;
}

/** All metrics of this process, in a registry of their own: a process of tests has several. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const requests = new RequestMetrics(registry, options.isListed);
  registerStateMetrics(registry, options);
  registerProcessMetrics(registry);
  return { registry, requests };
}

/**
 * The registry in Prometheus' text form (version 0.0.4). Other work comes between two metrics, so that a scrape holds up
 * nobody for long: the largest, a histogram of 64 models, takes 2 to 3 ms.
 */
export async function renderMetrics(registry: Registry): Promise<string> {
  let text = "";
  for (const { name } of registry.getMetricsAsArray()) {
    text += `${await registry.getSingleMetricAsString(name)}\n`;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return text;
}

/** `GET /metrics`. Who may ask is checked by what mounts it. */
export function createMetricsHandler(
  render: () => Promise<string>,
  contentType: string = Registry.PROMETHEUS_CONTENT_TYPE,
): HttpHandler {
  return async ({ response }) => {
    const body = Buffer.from(await render());
    if (response.headersSent || response.writableEnded) return;
    response.statusCode = 200;
    response.setHeader("content-type", contentType);
    response.setHeader("content-length", body.length);
    response.setHeader("cache-control", "no-store");
    response.end(body);
  };
}
