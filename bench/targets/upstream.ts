import { join } from "node:path";
import { z } from "zod";
import { startServer, type ServerProcess } from "./child.ts";

const countsSchema = z.object({
  whole: z.number(),
  streams: z.number(),
  finishedStreams: z.number(),
  chunks: z.number(),
});

export async function startUpstream(directory: string): Promise<ServerProcess> {
  return await startServer({
    name: "mock upstream",
    program: process.execPath,
    parameters: [join(import.meta.dirname, "..", "upstream", "main.ts")],
    env: {},
    directory,
    logFile: join(directory, "upstream.log"),
  });
}

/** What the mock upstream counted since its start. */
export async function readCounts(url: string): Promise<z.infer<typeof countsSchema>> {
  return countsSchema.parse(await (await fetch(`${url}/bench/counts`)).json());
}
