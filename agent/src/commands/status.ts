import { findAgents } from "../control/control-client.ts";
import { formatStatus } from "../control/running-status.ts";
import { complainOfNone, isMeant, tellProblems, type Selection } from "../control/select-agent.ts";
import { EXIT } from "../exit-codes.ts";

/** Prints what the running agents of this user do, all or those that are meant. Answers the exit code. */
export async function runStatus(selection: Selection, options: { readonly json: boolean }): Promise<number> {
  const found = await findAgents(selection.folder);
  const agents = found.agents.filter(({ status }) => isMeant(selection, status));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ agents: agents.map(({ status }) => status) })}\n`);
  } else for (const { status } of agents) process.stdout.write(formatStatus(status, Date.now()));
  if (agents.length === 0) return complainOfNone(found);
  tellProblems(found);
  return EXIT.ok;
}
