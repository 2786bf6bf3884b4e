import { isFields, type Fields } from "../../openai/fields.ts";
import { TOOL_SERVER, type ClientTools } from "./client-tools.ts";

const METHOD_NOT_FOUND = -32_601;

/**
 * What the CLI's host answers to a `control_request`, as the `response` of a `control_response`. The host is an MCP server
 * (protocol 2025-11-25) that lists the client's tools and answers no call: a call is the client's to answer, in its next
 * request, and the process ends before.
 *
 * @param request the `request` of the line, unchecked
 * @returns `undefined` for what is left without an answer
 */
export function answerHostRequest(
  requestId: string,
  request: unknown,
  tools: ClientTools | undefined,
): Fields | undefined {
  const message = readMessage(request);
  if (tools === undefined || message === undefined) {
    return { subtype: "error", request_id: requestId, error: "not supported" };
  }
  if (message["method"] === "tools/call") return undefined;
  // The CLI waits for an answer to a notification too, which JSON-RPC has none for.
  const id = message["id"] ?? 0;
  const response = { mcp_response: { jsonrpc: "2.0", id, ...answerMessage(message, tools) } };
  return { subtype: "success", request_id: requestId, response };
}

function readMessage(request: unknown): Fields | undefined {
  if (!isFields(request) || request["subtype"] !== "mcp_message" || request["server_name"] !== TOOL_SERVER) {
    return undefined;
  }
  return isFields(request["message"]) ? request["message"] : undefined;
}

function answerMessage({ method, params }: Fields, tools: ClientTools): Fields {
  switch (method) {
    case "initialize":
      return {
        result: {
          protocolVersion: isFields(params) ? params["protocolVersion"] : undefined,
          capabilities: { tools: {} },
          serverInfo: { name: TOOL_SERVER, version: "1.0.0" },
        },
      };
    case "tools/list":
      return { result: { tools: tools.listed } };
    case "ping":
      return { result: {} };
    default:
      if (typeof method === "string" && method.startsWith("notifications/")) return { result: {} };
      return { error: { code: METHOD_NOT_FOUND, message: "not supported" } };
  }
}
