import { findAgents } from "../control/control-client.ts";
import { formatStatus } from "../control/running-status.ts";
import { isMeant, NOT_RUNNING, type Selection } from "../control/select-agent.ts";
import { EXIT } from "../exit-codes.ts";

/** Prints what the running agents of this user do, all or those that are meant. Answers the exit code. */
export async function runStatus(selection: Selection, options: { readonly json: boolean }): Promise<number> {
  const agents = (await findAgents(selection.folder)).filter(({ status }) => isMeant(selection, status));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ agents: agents.map(({ status }) => status) })}\n`);
  } else if (agents.length === 0) process.stderr.write(`codewise-agent: ${NOT_RUNNING}\n`);
  else for (const { status } of agents) process.stdout.write(formatStatus(status, Date.now()));
  return agents.length === 0 ? EXIT.notRunning : EXIT.ok;
}
