import { describe, expect, it } from "vitest";
import { GatewayError } from "../../http/errors.ts";
import type { ClaudeTool } from "../../providers/claude/types.ts";
import { createClientTools, findOfferFault, renameToolCalls, renameToolChoice } from "./client-tools.ts";

const tool = (name: string, more: Partial<ClaudeTool> = {}): ClaudeTool => ({
  name,
  input_schema: { type: "object", properties: {} },
  ...more,
});

function refusal(tools: readonly ClaudeTool[]): GatewayError {
  try {
    createClientTools(tools);
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  return expect.fail("was not refused");
}

describe("createClientTools", () => {
  it("lists tools as they are, under names that the CLI leaves alone, and maps them there and back", () => {
    const schema = { type: "object", properties: { a: { $ref: "#/$defs/A" } }, $defs: { A: { type: "string" } } };
    const tools = createClientTools([tool("get_weather", { description: "d", input_schema: schema }), tool("a.b/c")]);
    expect(tools.listed).toEqual([
      { name: "get_weather", description: "d", inputSchema: schema },
      { name: "a_b_c", inputSchema: { type: "object", properties: {} } },
    ]);
    expect([...tools.offered]).toEqual(["mcp__client__get_weather", "mcp__client__a_b_c"]);
    for (const name of ["get_weather", "a.b/c"]) expect(tools.toClient(tools.toOffered(name))).toBe(name);
    expect(tools.toClient("Bash")).toBeUndefined();
    expect(tools.toOffered("unknown")).toBe("unknown");
  });

  it("keeps names apart that the CLI would make the same", () => {
    const tools = createClientTools([tool("a.b"), tool("a/b"), tool("a_b")]);
    expect(tools.offered.size).toBe(3);
    expect(["a.b", "a/b", "a_b"].map((name) => tools.toClient(tools.toOffered(name)))).toEqual(["a.b", "a/b", "a_b"]);
  });

  it("names thousands of tools whose names the CLI would make the same, in no time", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => String.fromCodePoint(0x4e00 + index));
    const startedAt = performance.now();
    const tools = createClientTools(names.map((name) => tool(name)));
    expect(tools.offered.size).toBe(10_000);
    // The square of their number took 15 s.
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it("loses nothing of a description that the CLI would cut", () => {
    const description = Array.from({ length: 2000 }, (_, index) => String(index)).join(" ");
    const input_schema = { type: "object", description: "own", properties: { x: {} } };
    const [listed] = createClientTools([tool("f", { description, input_schema })]).listed;
    expect(listed?.description?.length).toBeLessThanOrEqual(2048);
    const [first = ""] = listed?.description?.split(" (continued") ?? [];
    expect(`${first}${String(listed?.inputSchema["description"])}`).toBe(`${description}\nown`);
    expect(first).toMatch(/\d $/);
    expect(listed?.inputSchema["properties"]).toEqual({ x: {} });
  });

  it("cuts no character of a description in two", () => {
    const description = "\u{1f600}".repeat(2000);
    const [listed] = createClientTools([tool("f", { description })]).listed;
    expect(listed?.description?.isWellFormed()).toBe(true);
    expect(String(listed?.inputSchema["description"]).isWellFormed()).toBe(true);
  });

  it.each([
    ["a schema that is no object's", tool("f", { input_schema: { type: "string" } })],
    ["alternatives at the root", tool("f", { input_schema: { type: "object", anyOf: [{}] } })],
    ["a name that is too long with the server's", tool("x".repeat(120))],
    ["no name", tool("")],
  ])("refuses %s so that another provider may be tried", (_what, bad) => {
    const error = refusal([tool("good"), bad]);
    expect(error).toMatchObject({ code: "unsupported_parameter", status: 400, param: "tools", failover: true });
  });

  it("refuses a name that stands there twice at once, since no provider takes it", () => {
    expect(refusal([tool("f"), tool("f")])).toMatchObject({ code: "invalid_value", param: "tools", failover: false });
  });
});

describe("renaming", () => {
  const tools = createClientTools([tool("f")]);

  it("gives calls of the history and a forced choice the names that the model sees", () => {
    const call = (name: string) => ({ type: "tool_use", id: "t", name, input: {} }) as const;
    const text = { type: "text", text: "f" } as const;
    const result = { type: "tool_result", tool_use_id: "t", content: "f" } as const;
    expect(
      renameToolCalls(
        [
          { role: "assistant", content: [text, call("f"), call("gone")] },
          { role: "user", content: [result] },
        ],
        tools,
      ),
    ).toEqual([
      { role: "assistant", content: [text, call("mcp__client__f"), call("gone")] },
      { role: "user", content: [result] },
    ]);
    expect(renameToolChoice({ type: "tool", name: "f" }, tools)).toEqual({ type: "tool", name: "mcp__client__f" });
    expect(renameToolChoice({ type: "any" }, tools)).toEqual({ type: "any" });
  });
});

describe("findOfferFault", () => {
  const tools = createClientTools([tool("f"), tool("g")]);
  const servers = [{ name: "client", status: "connected" }];
  const offered = ["mcp__client__g", "mcp__client__f"];

  it("finds none where exactly the client's tools are offered", () => {
    expect(findOfferFault({ tools: offered, mcp_servers: servers }, tools)).toBeUndefined();
    expect(findOfferFault({ tools: [], mcp_servers: [] }, undefined)).toBeUndefined();
  });

  it.each([
    ["a tool of the CLI's", [...offered, "Bash"], servers, tools],
    ["another server", offered, [...servers, { name: "user-server" }], tools],
    ["a tool where there are none", ["mcp__client__f"], [], undefined],
    ["a server where there is none", [], servers, undefined],
  ])("finds %s", (_what, named, mcp_servers, given) => {
    expect(findOfferFault({ tools: named, mcp_servers }, given)).toMatchObject({ code: "cli_unexpected_tool" });
  });

  it.each([
    ["a missing tool", offered.slice(1)],
    ["a missing tool behind one that is named twice", [offered[0], offered[0]]],
    ["none of them", []],
  ])("finds %s, which another provider may be able to carry", (_what, named) => {
    expect(findOfferFault({ tools: named, mcp_servers: servers }, tools)).toMatchObject({
      code: "unsupported_parameter",
      status: 400,
      failover: true,
    });
  });
});
