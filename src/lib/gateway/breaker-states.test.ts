import { expect, it } from "vitest";
import { breakerStatesByProvider } from "./breaker-states.ts";

it("tells each provider's worst circuit, and a closed one for who has none", () => {
  const state = (providerId: string, model: string, is: "open" | "half_open" | "closed") => ({
    target: { providerId, model },
    state: is,
  });
  const states = [
    state("a", "1", "closed"),
    state("a", "2", "half_open"),
    state("b", "1", "half_open"),
    state("b", "2", "open"),
  ];
  expect(breakerStatesByProvider(["a", "b", "c"], states)).toEqual([
    { target: "a", state: "half_open" },
    { target: "b", state: "open" },
    { target: "c", state: "closed" },
  ]);
});
