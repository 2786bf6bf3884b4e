import { setTimeout as sleep } from "node:timers/promises";
import type { Scenario } from "./types.ts";

export const startScenario: Scenario = {
  name: "start",
  title: "Start: from spawn to an open port, and to the first request served",
  targets: ["floor", "codewise"],
  kinds: [],
  isFresh: true,
  columns: [
    { key: "listening", label: "listening ms", digits: 0 },
    { key: "ready", label: "ready ms", digits: 0 },
  ],
  measure: async ({ target }) => {
    // The next start shall not compete with the rest of this one.
    await sleep(1000);
    return { listening: target.listeningMs, ready: target.readyMs };
  },
};
