/** Which running agent a command means. */
import { loadTarget, type Environment, type RawOptions } from "../config.ts";
import { EXIT } from "../exit-codes.ts";
import { describeFailure } from "../http-client.ts";
import { askAgent, findAgents, type FoundAgents } from "./control-client.ts";
import type { ControlCommand, RunningStatus } from "./protocol.ts";
import { stateFolder } from "../state-folder.ts";

const NOT_RUNNING = "no agent runs here, or none for the proxy and id that were given";

export interface Selection {
  readonly folder: string;
  /** Left out, any. */
  readonly url: string | undefined;
  readonly agentId: string | undefined;
}

/** By the options for address and id, where they are given. Throws ConfigError. */
export function selectionOf(flags: RawOptions, env: Environment): Selection {
  return { folder: stateFolder(env), ...loadTarget(flags, env) };
}

export function isMeant({ url, agentId }: Selection, status: RunningStatus): boolean {
  return (url === undefined || url === status.url) && (agentId === undefined || agentId === status.agentId);
}

/** Gives a command to the one agent that is meant, and prints what `describe` makes of its new status. Answers the exit code. */
export async function commandAgent(
  selection: Selection,
  command: ControlCommand,
  describe: (status: RunningStatus) => string,
): Promise<number> {
  const found = await findAgents(selection.folder);
  const agents = found.agents.filter(({ status }) => isMeant(selection, status));
  const [agent, other] = agents;
  if (agent === undefined) return complainOfNone(found);
  tellProblems(found);
  if (other !== undefined) {
    const names = agents.map(({ status }) => `${status.agentId} at ${status.url}`).join(", ");
    return complain(`several agents run here: give --url or --agent-id of one of ${names}`, EXIT.usage);
  }
  try {
    const answer = await askAgent(agent.address, command);
    if ("refusal" in answer) return complain(answer.refusal, EXIT.failure);
    process.stdout.write(`${describe(answer.status)}\n`);
    return EXIT.ok;
  } catch (error) {
    return complain(describeFailure(error), EXIT.failure);
  }
}

/** Says why no agent that is meant was found: none runs, or it cannot be told. Answers the exit code. */
export function complainOfNone({ problems }: Pick<FoundAgents, "problems">): number {
  if (problems.length === 0) return complain(NOT_RUNNING, EXIT.notRunning);
  tellProblems({ problems });
  return EXIT.failure;
}

/** Tells of the agents that run and could not be understood. */
export function tellProblems({ problems }: Pick<FoundAgents, "problems">): void {
  for (const problem of problems) process.stderr.write(`codewise-agent: ${problem}\n`);
}

function complain(problem: string, exitCode: number): number {
  process.stderr.write(`codewise-agent: ${problem}\n`);
  return exitCode;
}
