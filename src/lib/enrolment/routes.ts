import {
  approveRequestSchema,
  loginRequestSchema,
  pollRequestSchema,
  type Approved,
  type LoginAnswer,
  type PollAnswer,
} from "../agent/types-login.ts";
import { readBearer } from "../http/bearer.ts";
import type { HttpContext, HttpHandler } from "../http/context.ts";
import { GatewayError, toGatewayError } from "../http/errors.ts";
import { readJson } from "../http/json-body.ts";
import { sendJson, sendNoContent } from "../http/respond.ts";
import type { Route } from "../http/router.ts";
import type { ClientKey } from "../keys/key-store.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { AgentStore } from "./agent-store.ts";
import { approveLogin } from "./approve-login.ts";
import type { LoginDesk } from "./login-desk.ts";

const MAX_BODY_BYTES = 4096;

export interface LoginRoutesOptions {
  readonly desk: LoginDesk;
  readonly agentStore: AgentStore;
  readonly lookUpKey: (token: string) => MaybePromise<ClientKey | undefined>;
}

/** What an agent needs to get a token of its own and to give it back, and the approval by a key's owner. */
export function createLoginRoutes(options: LoginRoutesOptions): readonly Route[] {
  return [
    { method: "POST", path: "/api/agent/login", handler: createLoginHandler(options) },
    { method: "POST", path: "/api/agent/login/poll", handler: createPollHandler(options) },
    { method: "POST", path: "/api/agent/login/approve", handler: createApproveHandler(options) },
    { method: "POST", path: "/api/agent/logout", handler: createLogoutHandler(options) },
  ];
}

/** `POST /api/agent/login`: 200 with {@link LoginAnswer}; 429 and 503 with `Retry-After`, see {@link LoginDesk.begin}. */
function createLoginHandler({ desk }: LoginRoutesOptions): HttpHandler {
  return async (context) => {
    const request = await readJson(context, loginRequestSchema, MAX_BODY_BYTES);
    sendJson(context.response, 200, desk.begin(request, context.remoteAddress) satisfies LoginAnswer);
  };
}

/** `POST /api/agent/login/poll`: 200 with {@link PollAnswer}; 410 and 429, see {@link LoginDesk.poll}; 409 where the name was taken meanwhile. */
function createPollHandler({ desk, agentStore }: LoginRoutesOptions): HttpHandler {
  return async (context) => {
    const { deviceCode } = await readJson(context, pollRequestSchema, MAX_BODY_BYTES);
    const result = desk.poll(deviceCode);
    if (result.status === "pending") {
      sendJson(context.response, 200, { status: "pending" } satisfies PollAnswer);
      return;
    }
    const { agentId, approval } = result;
    const { token, owner } = await agentStore.enrol({ agentId, ...approval }).catch((error: unknown) => {
      if (toGatewayError(error).code === "database_unavailable") result.putBack();
      throw error;
    });
    sendJson(context.response, 200, {
      status: "approved",
      token,
      agentId,
      owner,
      share: approval.share,
    } satisfies PollAnswer);
  };
}

/** `POST /api/agent/login/approve` with a client key as bearer: 200 with {@link Approved}, 401, 403 for a share with all; else as {@link approveLogin}. */
function createApproveHandler({ desk, agentStore, lookUpKey }: LoginRoutesOptions): HttpHandler {
  return async (context) => {
    const key = await lookUpKey(requireBearer(context));
    if (key === undefined) throw new GatewayError("invalid_api_key", "Incorrect API key provided.");
    const { userCode, share } = await readJson(context, approveRequestSchema, MAX_BODY_BYTES);
    // An agent that serves all keys sees the prompts of all: a key's holder has no say over those of others.
    if (share === "all") {
      throw new GatewayError("permission_denied", "Only the operator can share an agent with all keys.", {
        param: "share",
      });
    }
    const approval = { keyId: key.id, share: "owner" } as const;
    const approved = await approveLogin({ desk, agentStore }, { userCode, source: key.id, approval });
    sendJson(context.response, 200, approved satisfies Approved);
  };
}

/** `POST /api/agent/logout` with the agent's token as bearer: 204, and the token is revoked; 401 for one that is none. */
function createLogoutHandler({ agentStore }: LoginRoutesOptions): HttpHandler {
  return async (context) => {
    const enrolment = await agentStore.authenticate(requireBearer(context));
    if (enrolment === undefined)
      throw new GatewayError("invalid_api_key", "This token is none, or is revoked already.");
    await agentStore.revoke(enrolment.id);
    sendNoContent(context.response);
  };
}

function requireBearer(context: HttpContext): string {
  const token = readBearer(context.request);
  if (token === undefined)
    throw new GatewayError("invalid_api_key", "An Authorization header with a bearer is needed.");
  return token;
}
