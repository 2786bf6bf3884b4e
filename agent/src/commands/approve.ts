import { ConfigError } from "../config.ts";
import { commandAgent, type Selection } from "../control/select-agent.ts";

/** Gives the owner's word on a request that waits for it. Answers the exit code. */
export async function runDecision(
  selection: Selection,
  number: string,
  verdict: "approved" | "denied",
): Promise<number> {
  if (!/^[1-9]\d{0,14}$/.test(number))
    throw new ConfigError("give the number of a request that codewise-agent status lists");
  const command = { command: "decide", number: Number(number), verdict } as const;
  return await commandAgent(selection, command, () => `Request ${number} is ${verdict}.`);
}
