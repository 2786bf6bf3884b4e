import type { AgentMessage } from "../../lib/agent/types.ts";
import type { FakeAgent } from "../fake-agent.ts";
import type { FakeRun } from "../fake-agent-run.ts";
import { ANSWER, PIECES } from "./dialect.ts";
import { withRetryRule, type Expectation } from "./fault.ts";
import type { FaultRun, Mode } from "./fault-case.ts";

/** Posts messages, and once more where their answer was lost, as the protocol has it. */
export type PostAgain = (...messages: readonly AgentMessage[]) => Promise<void>;

/** A fault of an agent or of its connection; see docs/agent-protocol.md. */
export interface AgentFault {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  /** What the agent does with the request that it was given; it has accepted it already. */
  readonly play: (agent: FakeAgent, run: FakeRun, post: PostAgain) => Promise<unknown>;
  readonly streamed: Expectation;
  readonly whole: Expectation;
}

/** Each run has an agent of its own, which alone offers the run's model. */
export function agentModel(fault: AgentFault, mode: Mode): string {
  return `claude-${fault.id}-${mode}`;
}

const TOKENS = { told: "3 + 5", begun: "unknown" };

export function agentRuns(fault: AgentFault): readonly FaultRun[] {
  return (["streamed", "whole"] as const).map((mode) => ({
    provider: "claude-cli-remote",
    faultId: fault.id,
    mode,
    clocks: "short",
    model: `claude-cli-remote/${agentModel(fault, mode)}`,
    prompt: "Say hello",
    expect: withRetryRule(fault[mode], TOKENS),
    answer: ANSWER,
    begun: PIECES[0],
    tokens: TOKENS,
    retryAfterSlackMs: 0,
  }));
}
