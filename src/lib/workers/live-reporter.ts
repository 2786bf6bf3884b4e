import type { LiveRequests } from "../usage/live-requests.ts";
import type { HomeLine } from "./home-line.ts";

const INTERVAL_MS = 500;
/** More than a person reads; the home is told the whole number beside it. */
const MAX_SHOWN = 500;

/** Tells the home what a worker has in flight, after changes and at most twice a second. */
export function reportLive(live: LiveRequests, active: () => number, line: Pick<HomeLine, "tell">): () => void {
  let timer: NodeJS.Timeout | undefined;
  const report = (): void => {
    timer = undefined;
    line.tell({ codewise: "state", active: active(), live: live.inFlight().slice(0, MAX_SHOWN) });
  };
  return live.subscribe(() => {
    timer ??= setTimeout(report, INTERVAL_MS).unref();
  });
}
