import { describe, expect, it } from "vitest";
import { createClientTools } from "./client-tools.ts";
import { answerHostRequest } from "./tool-server.ts";

const tools = createClientTools([{ name: "f", description: "d", input_schema: { type: "object", properties: {} } }]);
const message = (method: string, more: Record<string, unknown> = {}) => ({
  subtype: "mcp_message",
  server_name: "client",
  message: { jsonrpc: "2.0", id: 7, method, ...more },
});

describe("answerHostRequest", () => {
  it("introduces itself with the protocol version that was asked for, and lists the tools", () => {
    expect(answerHostRequest("q", message("initialize", { params: { protocolVersion: "2025-11-25" } }), tools)).toEqual(
      {
        subtype: "success",
        request_id: "q",
        response: {
          mcp_response: {
            jsonrpc: "2.0",
            id: 7,
            result: {
              protocolVersion: "2025-11-25",
              capabilities: { tools: {} },
              serverInfo: { name: "client", version: "1.0.0" },
            },
          },
        },
      },
    );
    expect(answerHostRequest("q", message("tools/list"), tools)).toMatchObject({
      response: { mcp_response: { id: 7, result: { tools: tools.listed } } },
    });
  });

  it("acknowledges notifications, which the CLI waits for", () => {
    const { id: _id, ...notification } = message("notifications/initialized").message;
    const request = { ...message(""), message: notification };
    expect(answerHostRequest("q", request, tools)).toMatchObject({
      subtype: "success",
      response: { mcp_response: { id: 0, result: {} } },
    });
  });

  it("never answers a call", () => {
    expect(answerHostRequest("q", message("tools/call", { params: { name: "f" } }), tools)).toBeUndefined();
  });

  it("has no other method", () => {
    expect(answerHostRequest("q", message("resources/list"), tools)).toMatchObject({
      response: { mcp_response: { error: { code: -32_601 } } },
    });
  });

  it.each([
    ["a permission", { subtype: "can_use_tool" }, tools],
    ["another server", { ...message("tools/list"), server_name: "other" }, tools],
    ["tools where there are none", message("tools/list"), undefined],
    ["nothing that it knows", null, tools],
  ])("refuses to be asked for %s", (_what, request, given) => {
    expect(answerHostRequest("q", request, given)).toEqual({
      subtype: "error",
      request_id: "q",
      error: "not supported",
    });
  });
});
