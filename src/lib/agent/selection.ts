import { offersModel } from "./types.ts";

/** What selection reads of an agent. */
export interface Candidate {
  /** Connected, said hello, not draining. */
  readonly isReady: boolean;
  readonly freeSlots: number;
  readonly models: readonly string[];
}

export interface Selection<Agent> {
  readonly agent: Agent;
  /** The `turn` for the next selection. */
  readonly nextTurn: number;
}

/**
 * Round robin: the first agent at or after `turn` that is ready, offers the model, has a free slot and is not excluded.
 * Undefined when there is none.
 */
export function selectAgent<Agent extends Candidate>(
  agents: readonly Agent[],
  model: string,
  turn: number,
  isExcluded: (agent: Agent) => boolean,
): Selection<Agent> | undefined {
  for (let step = 0; step < agents.length; step += 1) {
    const index = (turn + step) % agents.length;
    const agent = agents[index];
    if (agent === undefined || !agent.isReady || agent.freeSlots <= 0 || isExcluded(agent)) continue;
    if (offersModel(agent.models, model)) return { agent, nextTurn: index + 1 };
  }
  return undefined;
}
