import { CHAT_PATH, MODEL, UPSTREAM_KEY, type Target, type TargetContext } from "./types.ts";

/** The mock upstream without a proxy: what the load client and the mock can do by themselves. */
export async function startDirect({ upstreamUrl, upstreamPid }: TargetContext): Promise<Target> {
  return {
    name: "direct",
    pid: upstreamPid,
    url: upstreamUrl,
    path: CHAT_PATH,
    headers: { authorization: `Bearer ${UPSTREAM_KEY}` },
    model: MODEL,
    startedInMs: 0,
    stop: async () => undefined,
  };
}
