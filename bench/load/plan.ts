/** What a load process is told on stdin, and what it answers on stdout. */
import { z } from "zod";

const common = {
  /** Origin of the target. */
  url: z.url(),
  /** Path of the request. */
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  model: z.string(),
  /** Load before the measured window, in seconds. */
  warmupSeconds: z.number(),
  /** The measured window, in seconds. */
  seconds: z.number(),
  /** Processes whose CPU time over the window is wanted. */
  watch: z.array(z.int()),
};

export const wholePlanSchema = z.object({
  ...common,
  kind: z.literal("whole"),
  connections: z.int(),
  /** Requests a second whatever the answers do (open loop); left out: each connection asks again once it is answered. */
  rate: z.number().optional(),
  /** Size of the prompt in bytes. */
  promptBytes: z.int(),
});

export const streamsPlanSchema = z.object({
  ...common,
  kind: z.literal("streams"),
  streams: z.int(),
  /** Chunks of each stream, after which the next one begins on the same connection. */
  chunks: z.int(),
  gapMs: z.number(),
});

export const planSchema = z.discriminatedUnion("kind", [wholePlanSchema, streamsPlanSchema]);

const spreadSchema = z.object({
  count: z.number(),
  p50: z.number(),
  p90: z.number(),
  p99: z.number(),
  max: z.number(),
});

export const resultSchema = z.object({
  /** What the window really took. */
  seconds: z.number(),
  /** Requests from first to last, the warm-up and what was cut at the end included: what the upstream must have counted. */
  requests: z.number(),
  /** Requests answered in the window. */
  answered: z.number(),
  /** Chunks received in the window. */
  chunks: z.number(),
  errors: z.number(),
  /** The first error, for the person who reads. */
  firstError: z.string().optional(),
  /** Milliseconds from the request to its whole answer (whole) or to its first chunk (streams). */
  latency: spreadSchema,
  /** Milliseconds from the moment that the upstream wrote a chunk to its arrival; streams only. */
  delay: spreadSchema,
  /** CPU over the window in microseconds, in the order of `watch`. */
  cpu: z.array(z.object({ tree: z.number(), mainThread: z.number() })),
  /** Resident bytes at the end of the window, in the order of `watch`. */
  resident: z.array(z.number()),
  /** The load process's own CPU over the window, in microseconds: near a whole core it is the bottleneck. */
  ownCpu: z.number(),
});

export type Plan = z.infer<typeof planSchema>;
export type WholePlan = z.infer<typeof wholePlanSchema>;
export type StreamsPlan = z.infer<typeof streamsPlanSchema>;
export type LoadResult = z.infer<typeof resultSchema>;

export const pagesPlanSchema = z.object({ url: z.url(), rate: z.number(), seconds: z.number() });
export const pagesResultSchema = z.object({ pages: z.number(), files: z.number(), seconds: z.number() });

export type PagesPlan = z.infer<typeof pagesPlanSchema>;
export type PagesResult = z.infer<typeof pagesResultSchema>;
