import { isFields, type Fields } from "../../src/lib/openai/fields.ts";
import { FAKE_ANTHROPIC_USAGE, anthropicFrames } from "../../src/test/fake-anthropic-server.ts";
import { startScriptedServer, type ReceivedRequest, type ScriptedServer } from "../../src/test/fake-scripted-server.ts";

/** One tool call that a prompt orders. */
interface OrderedCall {
  readonly name: string;
  readonly input: Fields;
}

/**
 * An Anthropic-speaking server whose "model" does what the conversation says. A user's text `call [{"name":…,"input":…}]`
 * makes it call these tools at once, `then call […]` after it once their results are there, and so on. A text `say …` makes
 * it say that. With nothing left to call it says `done: ` and every tool result so far. It finds a tool by the end of its name, as the CLI puts a prefix
 * before each.
 */
export async function startToolModel(): Promise<ScriptedServer> {
  let calls = 0;
  return await startScriptedServer({
    fallback: (request) => {
      const { rounds, results, done, words } = readConversation(request);
      const ordered = rounds[done];
      const events =
        ordered === undefined
          ? textEvents(words ?? `done: ${results.join(" | ")}`)
          : callEvents(
              ordered.map((call) => ({ ...call, name: findTool(request, call.name), id: `toolu_${++calls}` })),
            );
      const { stream } = request.body as Fields;
      return stream === true ? { steps: anthropicFrames(events) } : { json: wholeMessage(events) };
    },
    aside: ({ method, path }) =>
      method === "POST" && path.startsWith("/v1/messages") ? undefined : { json: {}, status: 404 },
  });
}

/** The requests for an answer, without what a CLI asks besides. */
export function sentBodies(server: Pick<ScriptedServer, "requests">): readonly Fields[] {
  return server.requests.map(({ body }) => body as Fields);
}

/** The blocks of a body's turns, in order, without what the CLI itself adds and without its prefix of tool names. */
export function sentTurns(body: Fields | undefined): readonly { role: unknown; content: readonly Fields[] }[] {
  return messagesOf(body ?? {})
    .filter(({ role }) => role !== "system")
    .map(({ role, content }) => ({ role, content: blocksOf(content).filter(isSaid).map(plainBlock) }));
}

/** The tools that were offered, by their plain names. */
export function sentTools(body: Fields | undefined): readonly Fields[] {
  const tools = Array.isArray(body?.["tools"]) ? (body["tools"] as Fields[]) : [];
  return tools.map(plainBlock);
}

const PREFIX = /^mcp__client__/;

function plainBlock(block: Fields): Fields {
  const { cache_control: _mark, ...rest } = block;
  return typeof rest["name"] === "string" ? { ...rest, name: rest["name"].replace(PREFIX, "") } : rest;
}

function isSaid(block: Fields): boolean {
  return !(typeof block["text"] === "string" && block["text"].startsWith("<system-reminder>"));
}

function messagesOf(body: Fields): readonly Fields[] {
  return Array.isArray(body["messages"]) ? body["messages"].filter(isFields) : [];
}

function blocksOf(content: unknown): readonly Fields[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isFields) : [];
}

function readConversation({ body }: ReceivedRequest): {
  readonly rounds: readonly (readonly OrderedCall[])[];
  readonly results: readonly string[];
  readonly done: number;
  readonly words: string | undefined;
} {
  const turns = messagesOf(body as Fields);
  const blocks = turns.flatMap(({ content }) => blocksOf(content));
  const texts = blocks.map(({ text }) => (typeof text === "string" ? text : ""));
  const rounds = texts.flatMap((text) =>
    [...text.matchAll(/call (\[.*?\])(?= then|$)/g)].map(([, json = "[]"]) => JSON.parse(json) as OrderedCall[]),
  );
  const results = blocks.filter(({ type }) => type === "tool_result").map(readResult);
  const done = turns.filter(({ content }) => blocksOf(content).some(({ type }) => type === "tool_use")).length;
  const words = texts.flatMap((text) => (text.startsWith("say ") ? [text.slice(4)] : []))[0];
  return { rounds, results, done, words };
}

function readResult({ content }: Fields): string {
  return blocksOf(content)
    .map(({ text }) => String(text))
    .join("");
}

function findTool({ body }: ReceivedRequest, name: string): string {
  const names = sentTools(body as Fields).map((tool) => String(tool["name"]));
  if (!names.includes(name)) throw new Error(`the tool ${name} is not among ${names.join(", ")}`);
  const tools = (body as { tools: { name: string }[] }).tools;
  return tools.find((tool) => tool.name.replace(PREFIX, "") === name)?.name ?? name;
}

const MESSAGE = { id: "msg_tools", type: "message", role: "assistant", model: "claude-sonnet-5-5", content: [] };

function around(blocks: readonly Fields[], stopReason: string): Fields[] {
  const usage = { ...FAKE_ANTHROPIC_USAGE, output_tokens: 1 };
  return [
    { type: "message_start", message: { ...MESSAGE, stop_reason: null, stop_sequence: null, usage } },
    ...blocks,
    { type: "message_delta", delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ];
}

function textEvents(text: string): Fields[] {
  return around(
    [
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
      { type: "content_block_stop", index: 0 },
    ],
    "end_turn",
  );
}

function callEvents(calls: readonly (OrderedCall & { readonly id: string })[]): Fields[] {
  const blocks = calls.flatMap(({ id, name, input }, index): Fields[] => [
    { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } },
    ...(JSON.stringify(input).match(/.{1,5}/gs) ?? []).map((partial_json) => ({
      type: "content_block_delta",
      index,
      delta: { type: "input_json_delta", partial_json },
    })),
    { type: "content_block_stop", index },
  ]);
  return around(blocks, "tool_use");
}

/** The message that a stream of these events adds up to. */
function wholeMessage(events: readonly Fields[]): Fields {
  const content: Record<string, unknown>[] = [];
  let stopReason: unknown = null;
  let json = "";
  for (const event of events) {
    const delta = isFields(event["delta"]) ? event["delta"] : {};
    if (event["type"] === "content_block_start") content.push({ ...(event["content_block"] as Fields) });
    const last = content.at(-1);
    if (delta["type"] === "text_delta" && last !== undefined)
      last["text"] = String(last["text"]) + String(delta["text"]);
    if (delta["type"] === "input_json_delta") json += String(delta["partial_json"]);
    if (event["type"] === "content_block_stop" && last?.["type"] === "tool_use") {
      last["input"] = JSON.parse(json);
      json = "";
    }
    if (event["type"] === "message_delta") stopReason = delta["stop_reason"];
  }
  return { ...MESSAGE, content, stop_reason: stopReason, stop_sequence: null, usage: FAKE_ANTHROPIC_USAGE };
}
