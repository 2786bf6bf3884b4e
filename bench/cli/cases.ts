import type { ChatMessage, ChatRequest } from "../../src/lib/openai/chat.ts";

/** A kind of request whose way to the model is measured. */
export interface Case {
  readonly name: string;
  readonly request: Pick<ChatRequest, "messages" | "tools">;
}

const asked: ChatMessage = { role: "user", content: "say first words of the answer" };

const tools = ["read_file", "write_file", "search", "list_files", "run_tests"].map((name) => ({
  type: "function" as const,
  function: {
    name,
    description: `What ${name} does, told in the length that such descriptions have. `.repeat(3),
    parameters: {
      type: "object",
      properties: { path: { type: "string", description: "A path." }, query: { type: "string" } },
      required: ["path"],
    },
  },
}));

const history = Array.from({ length: 20 }, (_, index): ChatMessage[] => [
  { role: "user", content: `Question ${index}: ${"what was asked before, in some words; ".repeat(8)}` },
  { role: "assistant", content: `Answer ${index}: ${"what was answered then, in some more words; ".repeat(16)}` },
]).flat();

/** A few words, the same with five tools, with twenty earlier turns, and with both. */
export const CASES: readonly Case[] = [
  { name: "short", request: { messages: [asked] } },
  { name: "tools", request: { messages: [asked], tools } },
  { name: "history", request: { messages: [...history, asked] } },
  { name: "tools and history", request: { messages: [...history, asked], tools } },
];
