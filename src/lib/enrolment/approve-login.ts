import type { Approved } from "../agent/types-login.ts";
import type { AgentStore } from "./agent-store.ts";
import type { Approval, LoginDesk } from "./login-desk.ts";

export interface ApprovalRequest {
  readonly userCode: string;
  /** Who asks, for the limit of wrong codes. */
  readonly source: string;
  readonly approval: Approval;
}

/**
 * Approves the waiting login of a user code. Throws GatewayError: `not_found` (404) for a code that nothing waits under or a
 * key that is none, `conflict` (409) while the agent's name is another owner's, `rate_limit_exceeded` (429) after too many
 * wrong codes, `database_unavailable` (503).
 */
export async function approveLogin(
  { desk, agentStore }: { readonly desk: LoginDesk; readonly agentStore: AgentStore },
  { userCode, source, approval }: ApprovalRequest,
): Promise<Approved> {
  const { agentId, version, platform, remoteAddress } = desk.find(userCode, source);
  await agentStore.requireClaim({ agentId, keyId: approval.keyId });
  desk.settle(userCode, source, approval);
  return { agentId, ...approval, version, platform, remoteAddress };
}
