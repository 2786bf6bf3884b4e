import { join } from "node:path";
import { startServer, type ServerProcess } from "./server-process.ts";

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
