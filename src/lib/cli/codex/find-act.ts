import { turnSchemas } from "./protocol.ts";

/** Items of a thread that stand for no act of the CLI's own. */
const HARMLESS_ITEMS: ReadonlySet<string> = new Set([
  "userMessage",
  "agentMessage",
  "reasoning",
  "dynamicToolCall",
  "functionCallOutput",
  "plan",
]);
const UNSAFE_NOTIFICATION = /^(hook|mcpServer|command|process|item\/(commandExecution|fileChange|mcpToolCall))\//;

/** What a notification says of an act of the CLI's own, in words; undefined where it says of none. */
export function findAct(method: string, params: unknown): string | undefined {
  if (UNSAFE_NOTIFICATION.test(method)) return "The CLI used a program of its own";
  if (method !== "item/started" && method !== "item/completed") return undefined;
  const parsed = turnSchemas[method].safeParse(params);
  return parsed.success && !HARMLESS_ITEMS.has(parsed.data.item.type) ? "The CLI used a tool of its own" : undefined;
}
