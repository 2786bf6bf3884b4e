/** What selection reads of an agent. */
export interface Candidate {
  /** Connected, said hello, not draining. */
  readonly isReady: boolean;
  readonly freeSlots: number;
  readonly models: readonly string[];
}

/** Whether a list of models covers one: by exact name, or by an entry with a trailing `*` such as `claude-*`. */
export function offersModel(models: readonly string[], model: string): boolean {
  return models.some((offer) => (offer.endsWith("*") ? model.startsWith(offer.slice(0, -1)) : offer === model));
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
  excluded: ReadonlySet<Agent>,
): Selection<Agent> | undefined {
  for (let step = 0; step < agents.length; step += 1) {
    const index = (turn + step) % agents.length;
    const agent = agents[index];
    if (agent === undefined || !agent.isReady || agent.freeSlots <= 0 || excluded.has(agent)) continue;
    if (offersModel(agent.models, model)) return { agent, nextTurn: index + 1 };
  }
  return undefined;
}
