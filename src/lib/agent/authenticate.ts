import { hash, timingSafeEqual } from "node:crypto";
import { readBearer } from "../http/bearer.ts";
import { GatewayError } from "../http/errors.ts";
import type { HttpRequest } from "../http/context.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { AgentAccess, Enrolment } from "./access.ts";
import { AGENT_HEADERS } from "./types.ts";

/** What a bearer token gives an agent; undefined for one that lets none in. Rejects with a GatewayError where it cannot tell. */
export type AuthenticateAgent = (bearerToken: string) => MaybePromise<AgentAccess | undefined>;

export interface AgentAuthenticatorOptions {
  /** Lets in any agent under any name; left out, only enrolled ones come in. */
  readonly secret: string | undefined;
  /** The enrolment that a token belongs to. */
  readonly findEnrolment: (token: string) => MaybePromise<Enrolment | undefined>;
}

const SHARED: AgentAccess = { enrolment: undefined };

/** A check against the shared secret in constant time (equal-length SHA-256 digests are compared), then the enrolments. */
export function createAgentAuthenticator({ secret, findEnrolment }: AgentAuthenticatorOptions): AuthenticateAgent {
  const expected = secret === undefined ? undefined : sha256(secret);
  return (bearerToken) => {
    if (expected !== undefined && timingSafeEqual(sha256(bearerToken), expected)) return SHARED;
    const found = findEnrolment(bearerToken);
    return found instanceof Promise ? found.then(toAccess) : toAccess(found);
  };
}

/**
 * What the request's bearer token gives the agent that sends it. Throws `invalid_api_key` (401) where it lets none in, and
 * `permission_denied` (403) where it belongs to an agent of another name than `X-Agent-Id` says.
 */
export function requireAgent(request: HttpRequest, authenticateAgent: AuthenticateAgent): MaybePromise<AgentAccess> {
  const token = readBearer(request);
  const found = token === undefined ? undefined : authenticateAgent(token);
  return found instanceof Promise ? found.then((access) => check(request, access)) : check(request, found);
}

function check({ headers }: HttpRequest, access: AgentAccess | undefined): AgentAccess {
  if (access === undefined)
    throw new GatewayError("invalid_api_key", "Wrong, revoked or missing agent secret or token.");
  const name = headers[AGENT_HEADERS.id];
  if (access.enrolment !== undefined && name !== undefined && name !== access.enrolment.agentId) {
    throw new GatewayError("permission_denied", "This token belongs to an agent of another id.");
  }
  return access;
}

function toAccess(enrolment: Enrolment | undefined): AgentAccess | undefined {
  return enrolment === undefined ? undefined : { enrolment };
}

function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
