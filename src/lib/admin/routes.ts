import type { HttpContext } from "../http/context.ts";
import type { Route } from "../http/router.ts";
import type { AdminKey } from "../keys/admin-key.ts";
import type { KeyStore } from "../keys/key-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createAttemptLimiter } from "../limits/attempt-limiter.ts";
import { createAgentAdminRoutes, type AgentAdminOptions } from "./agents.ts";
import { createAdminAuthorizer } from "./authorize.ts";
import { createOverviewEvents } from "./events.ts";
import { createCreateKeyHandler, createListKeysHandler, createRevokeKeyHandler } from "./keys.ts";
import { createOverviewHandler, type OverviewSources } from "./overview.ts";
import { createSessionStateHandler, createSignInHandler, createSignOutHandler } from "./session.ts";

export interface AdminRoutesOptions {
  readonly adminKey: AdminKey;
  readonly keyStore: KeyStore;
  readonly enrolment: Pick<AgentAdminOptions, "agentStore" | "desk">;
  readonly sources: OverviewSources;
  readonly logger: Logger;
}

export interface AdminRoutes {
  readonly routes: readonly Route[];
  /** Throws unless the request is the operator's; for routes of others. */
  requireAdmin(context: HttpContext): void;
  /** Ends the event streams. */
  close(): void;
}

/** The admin API. All of it asks for the admin key or a session, apart from signing in and out. */
export function createAdminRoutes(options: AdminRoutesOptions): AdminRoutes {
  const { adminKey, keyStore, enrolment, sources, logger } = options;
  const authorizer = createAdminAuthorizer({ adminKey, limiter: createAttemptLimiter() });
  const session = { adminKey, authorizer };
  const keys = { keyStore, authorizer };
  const events = createOverviewEvents({ sources, authorizer, logger });
  return {
    routes: [
      { method: "POST", path: "/api/admin/session", handler: createSignInHandler(session) },
      { method: "DELETE", path: "/api/admin/session", handler: createSignOutHandler() },
      { method: "GET", path: "/api/admin/session", handler: createSessionStateHandler(session) },
      { method: "GET", path: "/api/admin/keys", handler: createListKeysHandler(keys) },
      { method: "POST", path: "/api/admin/keys", handler: createCreateKeyHandler(keys) },
      { method: "DELETE", path: "/api/admin/keys/{id}", handler: createRevokeKeyHandler(keys) },
      ...createAgentAdminRoutes({ ...enrolment, authorizer }),
      { method: "GET", path: "/api/admin/overview", handler: createOverviewHandler(sources, authorizer) },
      { method: "GET", path: "/api/admin/events", handler: events.handler },
    ],
    requireAdmin: (context) => authorizer.requireAdmin(context),
    close: () => events.close(),
  };
}
