import { readCounts } from "../upstream/counts.ts";
import { CHAT_PATH, MODEL, UPSTREAM_KEY, type StartTarget } from "./types.ts";

/** The mock upstream without a proxy: what the load client and the mock can do by themselves. */
export const startDirect: StartTarget = async ({ upstream }) => ({
  name: "direct",
  pid: upstream.pid,
  url: upstream.url,
  path: CHAT_PATH,
  headers: { authorization: `Bearer ${UPSTREAM_KEY}` },
  model: MODEL,
  listeningMs: Number.NaN,
  readyMs: Number.NaN,
  counts: () => readCounts(upstream.url),
  stop: async () => undefined,
});
