import { hash, timingSafeEqual } from "node:crypto";
import { readBearer } from "../http/bearer.ts";
import { GatewayError } from "../http/errors.ts";
import type { HttpRequest } from "../http/context.ts";

/** Whether a bearer token lets an agent in. */
export type AuthenticateAgent = (bearerToken: string) => boolean;

/** A check against one shared secret in constant time: equal-length SHA-256 digests are compared. */
export function createAgentAuthenticator(secret: string): AuthenticateAgent {
  const expected = sha256(secret);
  return (bearerToken) => timingSafeEqual(sha256(bearerToken), expected);
}

/** Throws `invalid_api_key` (401) unless the request carries a bearer token that lets an agent in. */
export function requireAgent(request: HttpRequest, authenticateAgent: AuthenticateAgent): void {
  const token = readBearer(request);
  if (token === undefined || !authenticateAgent(token)) {
    throw new GatewayError("invalid_api_key", "Wrong or missing agent secret.");
  }
}

function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
