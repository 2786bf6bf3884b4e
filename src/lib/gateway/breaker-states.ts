import type { CircuitState } from "./circuit-breaker.ts";
import type { TargetState } from "./target-health.ts";

const WORST_FIRST: readonly CircuitState[] = ["open", "half_open", "closed"];

/**
 * The state of each provider's worst circuit, for metrics: model names come from clients, and would make series without
 * bound.
 */
export function breakerStatesByProvider(
  providerIds: readonly string[],
  states: readonly Pick<TargetState, "target" | "state">[],
): readonly { readonly target: string; readonly state: CircuitState }[] {
  return providerIds.map((id) => {
    const ownStates = new Set(states.filter(({ target }) => target.providerId === id).map(({ state }) => state));
    return { target: id, state: WORST_FIRST.find((state) => ownStates.has(state)) ?? "closed" };
  });
}
