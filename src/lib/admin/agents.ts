import type { Approved } from "../agent/types-login.ts";
import type { OwnedAgentRow } from "../db/queries/agents.ts";
import type { AgentStore } from "../enrolment/agent-store.ts";
import { approveLogin } from "../enrolment/approve-login.ts";
import type { LoginDesk } from "../enrolment/login-desk.ts";
import type { HttpContext } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { readJson } from "../http/json-body.ts";
import { sendJson, sendNoContent } from "../http/respond.ts";
import type { Route } from "../http/router.ts";
import type { AdminAuthorizer } from "./authorize.ts";
import { approveLoginRequestSchema, type AgentEnrolmentView, type PendingLoginView } from "./types.ts";

const MAX_BODY_BYTES = 4096;

export interface AgentAdminOptions {
  readonly agentStore: AgentStore;
  readonly desk: LoginDesk;
  readonly authorizer: Pick<AdminAuthorizer, "requireAdmin">;
}

/** The operator's view of enrolled agents and of the logins that wait for approval. */
export function createAgentAdminRoutes(options: AgentAdminOptions): readonly Route[] {
  const { authorizer, agentStore, desk } = options;
  const forAdmin = (handler: (context: HttpContext) => Promise<void>) => async (context: HttpContext) => {
    authorizer.requireAdmin(context);
    await handler(context);
  };
  return [
    {
      /** 200 with `{agents}`, newest first, revoked ones included. */
      method: "GET",
      path: "/api/admin/agents",
      handler: forAdmin(async ({ response }) => {
        sendJson(response, 200, { agents: (await agentStore.list()).map(toEnrolmentView) });
      }),
    },
    {
      /** 200 with the revoked agent, whose stream has ended; 404 where there is none. A repeat changes nothing. */
      method: "DELETE",
      path: "/api/admin/agents/{id}",
      handler: forAdmin(async ({ response, params }) => {
        const row = await agentStore.revoke(params["id"] ?? "");
        if (row === undefined) throw new GatewayError("not_found", "There is no enrolled agent with this id.");
        sendJson(response, 200, toEnrolmentView(row));
      }),
    },
    {
      /** 200 with `{logins}`, oldest first. */
      method: "GET",
      path: "/api/admin/agent-logins",
      handler: forAdmin(async ({ response }) =>
        sendJson(response, 200, { logins: desk.pending() satisfies PendingLoginView[] }),
      ),
    },
    {
      /** `{keyId, share?}`: 200 with {@link Approved}; else as {@link approveLogin}. */
      method: "POST",
      path: "/api/admin/agent-logins/{userCode}",
      handler: forAdmin(async (context) => {
        const { keyId, share } = await readJson(context, approveLoginRequestSchema, MAX_BODY_BYTES);
        const approval = { keyId, share: share ?? "owner" } as const;
        const asked = { userCode: context.params["userCode"] ?? "", source: sourceOf(context), approval };
        sendJson(context.response, 200, (await approveLogin({ desk, agentStore }, asked)) satisfies Approved);
      }),
    },
    {
      /** 204, and the agent is told that it was denied; 404 and 429 as for the approval. */
      method: "DELETE",
      path: "/api/admin/agent-logins/{userCode}",
      handler: forAdmin(async (context) => {
        desk.settle(context.params["userCode"] ?? "", sourceOf(context), "denied");
        sendNoContent(context.response);
      }),
    },
  ];
}

/** Whose wrong codes are counted together. */
function sourceOf({ remoteAddress }: HttpContext): string {
  return `operator at ${remoteAddress}`;
}

/** An enrolled agent as the admin API shows it: without its hash. It ends with its own revocation or its owner's. */
function toEnrolmentView(row: OwnedAgentRow): AgentEnrolmentView {
  return {
    id: row.id,
    agentId: row.agentId,
    owner: { keyId: row.ownerKeyId, name: row.ownerName },
    share: row.share,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: (row.revokedAt ?? row.ownerRevokedAt)?.toISOString() ?? null,
  };
}
