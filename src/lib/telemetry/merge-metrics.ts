import { AggregatorRegistry, type Registry } from "prom-client";

/** Asks the other processes of this proxy for their metrics, as `getMetricsAsJSON` has them. */
export type PeerMetrics = () => Promise<readonly (readonly object[])[]>;

/** The metrics of all processes as one registry: each metric says itself how those of several become one. */
export async function mergeMetrics(own: Registry, peers: PeerMetrics | undefined): Promise<Registry> {
  if (peers === undefined) return own;
  const [mine, theirs] = await Promise.all([own.getMetricsAsJSON(), peers()]);
  return AggregatorRegistry.aggregate([mine, ...theirs.filter((metrics) => metrics.length > 0)] as object[]);
}
