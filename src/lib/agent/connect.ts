import type { HttpHandler } from "../http/context.ts";
import { GatewayError, renderErrorBody } from "../http/errors.ts";
import { sendJson } from "../http/respond.ts";
import { requireAgent, type AuthenticateAgent } from "./authenticate.ts";
import { openEventStream } from "./event-stream.ts";
import { readConnectHeaders } from "./headers.ts";
import type { AgentManager } from "./manager.ts";
import { PROTOCOL_MINIMUM, PROTOCOL_VERSION } from "./types.ts";

/** How an operator gets an agent that fits. */
const DOWNLOAD = "npx codewise-agent@latest";

export interface AgentConnectOptions {
  readonly manager: AgentManager;
  readonly authenticateAgent: AuthenticateAgent;
}

/**
 * `GET /api/agent/connect`: the SSE stream down to an agent, open until either side closes it. Answers 401, 403 for a
 * token of another agent id, 400 for its headers, 426 with `{supported, minimum, download}` beside the error, and 409 while another instance holds the id.
 */
export function createAgentConnectHandler({ manager, authenticateAgent }: AgentConnectOptions): HttpHandler {
  return async ({ request, response, signal }) => {
    const found = requireAgent(request, authenticateAgent);
    const access = found instanceof Promise ? await found : found;
    const headers = readConnectHeaders(request);
    if (headers.protocol < PROTOCOL_MINIMUM || headers.protocol > PROTOCOL_VERSION) {
      sendJson(response, 426, unsupported(headers.protocol));
      return;
    }
    const connection = manager.registerAgent({ ...headers, access, openStream: () => openEventStream(response) });
    await new Promise<void>((resolve) => {
      const closed = (): void => {
        connection.closed();
        resolve();
      };
      response.once("close", closed);
      signal.addEventListener("abort", closed, { once: true });
      if (signal.aborted) closed();
    });
  };
}

function unsupported(protocol: number): object {
  const error = new GatewayError(
    "agent_protocol_unsupported",
    `This proxy does not speak agent protocol ${protocol}. Update the agent: ${DOWNLOAD}`,
  );
  const supported: number[] = [];
  for (let version = PROTOCOL_MINIMUM; version <= PROTOCOL_VERSION; version += 1) supported.push(version);
  return { ...renderErrorBody(error), supported, minimum: PROTOCOL_MINIMUM, download: DOWNLOAD };
}
