/** What each command does to the running agent. */
import type { AgentPolicy } from "../policy/agent-policy.ts";
import type { ApprovalDesk } from "../policy/approval-desk.ts";
import type { ControlAnswer, ControlCommand, RunningStatus } from "./protocol.ts";

export function createControlHandler(
  policy: Pick<AgentPolicy, "pause" | "resume">,
  desk: Pick<ApprovalDesk, "decide">,
  status: () => RunningStatus,
): (command: ControlCommand) => ControlAnswer {
  return (command) => {
    switch (command.command) {
      case "status":
        break;
      case "pause":
        policy.pause(command.forMs);
        break;
      case "resume":
        policy.resume();
        break;
      case "decide":
        if (!desk.decide(command.number, command.verdict)) return { refusal: `no request ${command.number} waits` };
    }
    return { status: status() };
  };
}
