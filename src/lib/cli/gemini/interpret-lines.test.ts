import { describe, expect, it } from "vitest";
import { createLineInterpreter, type LineInterpreter } from "./interpret-lines.ts";

const update = (sessionUpdate: string, text: string): string =>
  JSON.stringify({
    jsonrpc: "2.0",
    method: "session/update",
    params: { sessionId: "s", update: { sessionUpdate, content: { type: "text", text } } },
  });
const reply = (id: number, result: unknown = {}): string => JSON.stringify({ jsonrpc: "2.0", id, result });
const MARK = update("user_message_chunk", "/mark");

function create(hasTools = false): LineInterpreter {
  return createLineInterpreter({ markText: "/mark", hasTools });
}

/** One that has been asked its prompt. */
function createAsked(hasTools = false): LineInterpreter {
  const interpreter = create(hasTools);
  for (const line of [reply(1), reply(2), MARK, reply(3)]) interpreter.push(line);
  return interpreter;
}

describe("createLineInterpreter", () => {
  it.each([
    ["after", [reply(2), MARK]],
    ["before", [MARK, reply(2)]],
  ])("goes on once the session is loaded and the history told back, the mark %s the reply", (_when, lines) => {
    const interpreter = create();
    expect(interpreter.push(reply(1))).toEqual([{ type: "next" }]);
    expect(interpreter.push(update("agent_message_chunk", "old answer"))).toEqual([]);
    expect(lines.map((line) => interpreter.push(line))).toEqual([[], [{ type: "next" }]]);
  });

  it("separates thoughts, and drops the empty subject of one", () => {
    const interpreter = createAsked();
    const thoughts = ["**A**\na", "****\nb"].flatMap((text) => interpreter.push(update("agent_thought_chunk", text)));
    expect(thoughts).toEqual([
      { type: "delta", delta: { reasoning_content: "**A**\na" } },
      { type: "delta", delta: { reasoning_content: "\n\nb" } },
    ]);
  });

  it.each(["session/request_permission", "fs/read_text_file", "fs/write_text_file", "terminal/create", "unheard/of"])(
    "fails when the CLI asks for %s",
    (method) => {
      const line = JSON.stringify({ jsonrpc: "2.0", id: 0, method, params: {} });
      expect(() => createAsked(true).push(line)).toThrow(expect.objectContaining({ code: "cli_unexpected_tool" }));
    },
  );

  it("takes the sign of a call for one only where the client has tools", () => {
    expect(createAsked(true).push(update("tool_call", "x"))).toEqual([{ type: "progress" }]);
    const push = (): unknown => createAsked().push(update("tool_call", "x"));
    expect(push).toThrow(expect.objectContaining({ code: "cli_unexpected_tool" }));
  });

  it.each(["no JSON", "7", '{"method":"session/update","params":{}}', reply(4, { stop: "x" })])(
    "fails for a line that cannot be understood: %s",
    (line) => {
      expect(() => createAsked().push(line)).toThrow(expect.objectContaining({ code: "cli_output_invalid" }));
    },
  );

  it("tells a session that is refused for want of a login", () => {
    const line = JSON.stringify({
      jsonrpc: "2.0",
      id: 2,
      error: { code: -32_000, message: "Authentication required" },
    });
    expect(() => create().push(line)).toThrow(expect.objectContaining({ code: "cli_not_logged_in" }));
  });
});
