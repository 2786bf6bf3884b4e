import type { AgentEnrolmentView, PendingLoginView } from "../../src/lib/admin/types.ts";
import { formatTable } from "../admin/format-table.ts";

/** The enrolled agents as a table. */
export function formatAgents(agents: readonly AgentEnrolmentView[]): string {
  if (agents.length === 0) return "No agent is enrolled yet. On its machine: codewise-agent login --url …";
  return formatTable([
    ["ID", "AGENT", "SERVES", "OWNER", "CREATED", "LAST USED", "STATE"],
    ...agents.map((agent) => [
      agent.id,
      agent.agentId,
      agent.share === "all" ? "all keys" : "its owner",
      `${agent.owner.keyId} (${agent.owner.name})`,
      agent.createdAt.slice(0, 10),
      agent.lastUsedAt?.slice(0, 16).replace("T", " ") ?? "never",
      agent.revokedAt === null ? "active" : "revoked",
    ]),
  ]);
}

/** The logins that wait for approval as a table. */
export function formatLogins(logins: readonly PendingLoginView[]): string {
  if (logins.length === 0) return "No login waits for approval.";
  return formatTable([
    ["CODE", "AGENT", "VERSION", "PLATFORM", "FROM", "AGE"],
    ...logins.map(({ userCode, agentId, version, platform, remoteAddress, ageMs }) => {
      return [userCode, agentId, version, platform, remoteAddress, `${Math.round(ageMs / 1000)} s`];
    }),
  ]);
}
