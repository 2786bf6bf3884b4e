import { describeClosure } from "../control/running-status.ts";
import { commandAgent, type Selection } from "../control/select-agent.ts";

/** Ends the pause of the running agent. Answers the exit code. */
export async function runResume(selection: Selection): Promise<number> {
  return await commandAgent(selection, { command: "resume" }, ({ agentId, closure }) =>
    closure === null
      ? `${agentId} takes requests again.`
      : `${agentId} is not paused, and takes none: ${describeClosure(closure, Date.now())}.`,
  );
}
