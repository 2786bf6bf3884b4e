import { z } from "zod";
import type { HttpRequest } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import type { AgentIdentity } from "./session.ts";
import { AGENT_HEADERS, agentIdSchema } from "./types.ts";

const identitySchema = z.object({ [AGENT_HEADERS.id]: agentIdSchema, [AGENT_HEADERS.instance]: z.uuid() });
const connectSchema = identitySchema.extend({
  [AGENT_HEADERS.protocol]: z
    .string()
    .regex(/^\d{1,9}$/, "a whole number")
    .transform(Number),
  [AGENT_HEADERS.version]: z.string().min(1).max(64),
});

export interface ConnectHeaders extends AgentIdentity {
  readonly protocol: number;
  readonly version: string;
}

/**
 * Who posts or asks: `X-Agent-Id` and `X-Agent-Instance`. One that `isRegistered` knows was checked when it connected.
 * Throws `invalid_value` (400) naming the header.
 */
export function readIdentity(
  request: HttpRequest,
  isRegistered: (agent: AgentIdentity) => boolean = () => false,
): AgentIdentity {
  const { [AGENT_HEADERS.id]: agentId, [AGENT_HEADERS.instance]: instance } = request.headers;
  if (typeof agentId === "string" && typeof instance === "string" && isRegistered({ agentId, instance })) {
    return { agentId, instance };
  }
  const headers = parse(identitySchema, request);
  return { agentId: headers[AGENT_HEADERS.id], instance: headers[AGENT_HEADERS.instance] };
}

/** All headers of a connect. Throws `invalid_value` (400) naming the header. */
export function readConnectHeaders(request: HttpRequest): ConnectHeaders {
  const headers = parse(connectSchema, request);
  return {
    agentId: headers[AGENT_HEADERS.id],
    instance: headers[AGENT_HEADERS.instance],
    protocol: headers[AGENT_HEADERS.protocol],
    version: headers[AGENT_HEADERS.version],
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, request: HttpRequest): z.output<Schema> {
  const parsed = schema.safeParse(request.headers);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = issue?.path.join(".") ?? "headers";
  throw new GatewayError("invalid_value", `Invalid header ${name}: ${issue?.message ?? "malformed"}.`, { param: name });
}
