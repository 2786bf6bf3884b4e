import { z } from "zod";

/** What the mock upstream did since its start: the truth that the load clients' own counts are compared with. */
export const countsSchema = z.object({
  whole: z.number(),
  streams: z.number(),
  /** Streams that were sent to their end; the others were cut by the reader. */
  finishedStreams: z.number(),
  chunks: z.number(),
});

export type Counts = z.infer<typeof countsSchema>;

export function noCounts(): Counts {
  return { whole: 0, streams: 0, finishedStreams: 0, chunks: 0 };
}

/** Path under which whatever answers in the bench tells its counts. */
export const COUNTS_PATH = "/bench/counts";

export async function readCounts(url: string): Promise<Counts> {
  return countsSchema.parse(await (await fetch(url + COUNTS_PATH)).json());
}
