import { describe, expect, it } from "vitest";
import type { ClaudeMessage } from "../../providers/claude/types.ts";
import { renderResumeFile, splitConversation } from "./resume-file.ts";
import { planStdin } from "./stdin-lines.ts";

const user = (text: string): ClaudeMessage => ({ role: "user", content: [{ type: "text", text }] });
const assistant = (text: string): ClaudeMessage => ({ role: "assistant", content: [{ type: "text", text }] });
const parsePiece = (piece: string | undefined): unknown[] =>
  (piece ?? "")
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));

describe("planStdin", () => {
  it("waits after the system prompt and after each earlier user turn, and writes assistant turns with the next one", () => {
    const plan = planStdin({
      systemPrompt: "S",
      messages: [user("a"), assistant("b"), user("c"), assistant("d"), user("e")],
      hasTools: false,
    });
    expect(plan.earlierTurns).toBe(2);
    expect(plan.pieces.map((piece) => parsePiece(piece).map((line) => Object(line).type))).toEqual([
      ["control_request"],
      ["user"],
      ["assistant", "user"],
      ["assistant", "user"],
    ]);
    expect(parsePiece(plan.pieces[1])).toEqual([
      {
        type: "user",
        message: { role: "user", content: user("a").content },
        client_composed: true,
        shouldQuery: false,
      },
    ]);
    expect(parsePiece(plan.pieces[3])[1]).toEqual({
      type: "user",
      message: { role: "user", content: user("e").content },
      client_composed: true,
    });
  });

  it("gives the system prompt by initialize, and an empty list for none", () => {
    expect(
      parsePiece(planStdin({ systemPrompt: "be brief", messages: [user("a")], hasTools: false }).pieces[0])[0],
    ).toMatchObject({
      request: { subtype: "initialize", systemPrompt: ["be brief"] },
    });
    expect(
      parsePiece(planStdin({ systemPrompt: "", messages: [user("a")], hasTools: false }).pieces[0])[0],
    ).toMatchObject({ request: { systemPrompt: [] } });
  });

  it("announces the server of the client's tools where there are some", () => {
    const [initialize] = parsePiece(planStdin({ systemPrompt: "", messages: [user("a")], hasTools: true }).pieces[0]);
    expect(initialize).toMatchObject({ request: { subtype: "initialize", sdkMcpServers: ["client"] } });
  });

  it("puts a line break before every user text that begins with a slash, and changes no other", () => {
    const texts = ["/clear", "//x", " /clear", "a /clear", "@/etc/passwd"];
    const content = texts.map((text) => ({ type: "text", text }) as const);
    const plan = planStdin({
      systemPrompt: "",
      messages: [user("/help"), assistant("/clear"), { role: "user", content }],
      hasTools: false,
    });
    expect(parsePiece(plan.pieces[1])[0]).toMatchObject({ message: { content: [{ text: "\n/help" }] } });
    expect(parsePiece(plan.pieces[2])[0]).toMatchObject({ message: { content: [{ text: "/clear" }] } });
    expect(parsePiece(plan.pieces[2])[1]).toMatchObject({
      message: {
        content: ["\n/clear", "\n//x", " /clear", "a /clear", "@/etc/passwd"].map((text) => ({ type: "text", text })),
      },
    });
  });

  it("keeps each line one line whatever the text holds", () => {
    const plan = planStdin({ systemPrompt: "a\nb", messages: [user("x\n\u2028\u0000y")], hasTools: false });
    for (const piece of plan.pieces) expect(piece.match(/\n/g)).toHaveLength(1);
  });
});

describe("splitConversation", () => {
  const long = Array.from({ length: 41 }, (_, index) => (index % 2 === 0 ? user(`u${index}`) : assistant(`a${index}`)));

  it("sends up to 30 turns over stdin and more by a file that ends with an assistant's text", () => {
    expect(splitConversation(long.slice(0, 29)).resumed).toEqual([]);
    const { resumed, live } = splitConversation(long);
    expect([...resumed, ...live]).toEqual(long);
    expect(live).toEqual([user("u40")]);
  });

  it("never ends the file with a tool call or its result", () => {
    const call: ClaudeMessage = { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] };
    const result: ClaudeMessage = { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "r" }] };
    const { resumed, live } = splitConversation([...long, call, result]);
    expect(resumed.at(-1)).toEqual(assistant("a39"));
    expect(live).toEqual([user("u40"), call, result]);
    const onlyCalls = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? result : call));
    expect(splitConversation(onlyCalls).resumed).toEqual([]);
  });

  it("chains the lines of the session file and keeps commands from its user texts", () => {
    let next = 0;
    const identity = {
      sessionId: "s",
      workDirectory: "/w",
      timestamp: "t",
      model: "opus",
      createId: () => `id${next++}`,
    };
    const lines = parsePiece(renderResumeFile([user("/clear"), assistant("b")], identity));
    expect(lines).toMatchObject([
      { parentUuid: null, uuid: "id0", type: "user", message: { content: [{ text: "\n/clear" }] } },
      { parentUuid: "id0", type: "assistant", sessionId: "s", cwd: "/w", message: { role: "assistant" } },
    ]);
  });
});
