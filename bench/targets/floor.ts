import { join } from "node:path";
import { startServer } from "./child.ts";
import { CHAT_PATH, MODEL, UPSTREAM_KEY, type Target, type TargetContext } from "./types.ts";

export async function startFloor({ upstreamUrl, directory }: TargetContext): Promise<Target> {
  const server = await startServer({
    name: "floor",
    program: process.execPath,
    parameters: [join(import.meta.dirname, "..", "floor.ts"), upstreamUrl],
    env: {},
    directory,
    logFile: join(directory, "floor.log"),
  });
  return {
    ...server,
    name: "floor",
    path: CHAT_PATH,
    headers: { authorization: `Bearer ${UPSTREAM_KEY}` },
    model: MODEL,
  };
}
