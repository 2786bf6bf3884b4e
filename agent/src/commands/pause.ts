import { parseDuration } from "../control/duration.ts";
import { commandAgent, type Selection } from "../control/select-agent.ts";
import { describeClosure } from "../control/running-status.ts";
import { ConfigError } from "../config.ts";
import { MAX_PAUSE_MS } from "../control/protocol.ts";

/** Has the running agent take nothing more, for a time such as `30m` or until it is resumed. Answers the exit code. */
export async function runPause(selection: Selection, duration: string | undefined): Promise<number> {
  const forMs = duration === undefined ? null : parseDuration(duration);
  if (forMs === undefined || (forMs !== null && forMs > MAX_PAUSE_MS)) {
    throw new ConfigError("--for must be a time such as 90s, 30m, 8h or 2d, at most a year");
  }
  return await commandAgent(selection, { command: "pause", forMs }, ({ agentId, closure }) =>
    closure === null
      ? `${agentId} takes requests.`
      : `${agentId}: ${describeClosure(closure, Date.now())}. What runs is finished.`,
  );
}
