import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toWebResponse } from "../lib/http/web-adapter.ts";
import type * as RuntimeModule from "../lib/runtime.ts";

/**
 * Serves a data-plane path where only Next runs (`next dev`, `next start`), in the project's folder. The production entry
 * answers these paths itself and never comes here. The runtime starts with the first request, never during a build.
 */
export async function mount(request: Request): Promise<Response> {
  // Loaded by Node itself: bundled here, the data plane would be twice in every build and its worker thread would not start.
  const source = pathToFileURL(join(/* turbopackIgnore: true */ process.cwd(), "src/lib/runtime.ts")).href;
  const { getRuntime } = (await import(/* turbopackIgnore: true */ source)) as typeof RuntimeModule;
  const runtime = await getRuntime();
  return toWebResponse(request, (context) => runtime.handle(context));
}
