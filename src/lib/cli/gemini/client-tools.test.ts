import { describe, expect, it } from "vitest";
import { createClientTools } from "./client-tools.ts";

const toolWith = (parameters: unknown) => ({ type: "function", function: { name: "f", parameters } }) as never;

describe("a tool's schema for the gemini CLI", () => {
  it.each([
    { type: "string" },
    { type: "object", properties: { a: true } },
    { type: "object", properties: [] },
    { type: "object", properties: {}, required: "a" },
    { type: "object", required: [1] },
    { type: "object", properties: { wait_for_previous: { type: "boolean" } } },
  ])("is refused where the CLI would drop all tools, or mistake it: %j", (parameters) => {
    expect(() => createClientTools([toolWith(parameters)])).toThrow(
      expect.objectContaining({ code: "unsupported_parameter", failover: true, param: "tools[0].function.parameters" }),
    );
  });

  it.each([
    {},
    { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false },
  ])("goes on as it is otherwise: %j", (parameters) => {
    expect(createClientTools([toolWith(parameters)]).listed[0]?.inputSchema).toEqual({ type: "object", ...parameters });
  });
});
