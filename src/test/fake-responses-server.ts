import {
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedReply,
  type ScriptedServer,
} from "./fake-scripted-server.ts";

export interface FakeResponsesServer extends ScriptedServer {
  /** With `/v1`, as `openai_base_url` has it. */
  readonly baseUrl: string;
}

/** The tokens that every canned response reports. */
export const FAKE_RESPONSES_USAGE = {
  input_tokens: 1200,
  input_tokens_details: { cached_tokens: 1000 },
  output_tokens: 42,
  output_tokens_details: { reasoning_tokens: 10 },
  total_tokens: 1242,
};

/**
 * A stand-in for OpenAI's Responses API: `POST /v1/responses`, scripted by `enqueue`. A request without a script gets
 * `fallback`'s answer, "Hello there!" by default. Model lists and websockets are refused with 404 and not recorded.
 */
export async function startFakeResponsesServer(
  fallback: (request: ReceivedRequest) => ScriptedReply = () => respond({}),
): Promise<FakeResponsesServer> {
  const server = await startScriptedServer({
    fallback,
    aside: ({ method, path }) =>
      method === "POST" && path.startsWith("/v1/responses") ? undefined : { status: 404, json: {} },
  });
  return { ...server, baseUrl: `${server.origin}/v1` };
}

/** A function that the model calls, with its arguments as JSON text. */
export interface CannedCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface CannedResponse {
  /** Summary of the reasoning before the text, in the pieces that are streamed. */
  readonly thoughts?: readonly string[];
  /** The text, in the pieces that are streamed; none where there are calls, thoughts or raw items only. */
  readonly pieces?: readonly string[];
  readonly calls?: readonly CannedCall[];
  /** Further output items as the API would give them, such as calls of its own tools. */
  readonly items?: readonly Readonly<Record<string, unknown>>[];
  /** Ends the response with `response.incomplete` for this reason. */
  readonly incomplete?: string;
  /** Pause before each event of the text and before the end, in milliseconds. */
  readonly pieceDelayMs?: number;
}

/** A whole scripted reply. */
export function respond(response: CannedResponse): ScriptedReply {
  return { steps: responseSteps(response) };
}

/** The steps of a response as the API streams it. */
export function responseSteps(response: CannedResponse): (string | { readonly delayMs: number })[] {
  const events = responseEvents(response);
  const { pieceDelayMs = 0 } = response;
  return events.flatMap((event) => {
    const isSlow = pieceDelayMs > 0 && /output_text\.delta|completed$/.test(String(event["type"]));
    return isSlow ? [{ delayMs: pieceDelayMs }, responseFrame(event)] : [responseFrame(event)];
  });
}

/** An event as an SSE frame. */
export function responseFrame(event: Readonly<Record<string, unknown>>): string {
  return `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`;
}

type Event = Record<string, unknown>;

/** The events of a response, from `response.created` to its end. */
export function responseEvents(canned: CannedResponse): Event[] {
  const { thoughts = [], calls = [], items = [] } = canned;
  const hasOthers = thoughts.length + calls.length + items.length > 0;
  const pieces = canned.pieces ?? (hasOthers ? [] : ["Hello", " there", "!"]);
  const response = { id: "resp_fake", object: "response", status: "in_progress", model: "gpt-fake", output: [] };
  const blocks = [
    ...(thoughts.length === 0 ? [] : [reasoningItem(thoughts)]),
    ...(pieces.length === 0 ? [] : [messageItem(pieces)]),
    ...calls.map(callItem),
    ...items.map((item): Block => ({ item, between: () => [] })),
  ];
  const events = blocks.flatMap(({ item, between }, index): Event[] => [
    { type: "response.output_item.added", output_index: index, item: { ...item, status: "in_progress" } },
    ...between(index),
    { type: "response.output_item.done", output_index: index, item },
  ]);
  const end =
    canned.incomplete === undefined
      ? { type: "response.completed", response: { ...response, status: "completed", usage: FAKE_RESPONSES_USAGE } }
      : {
          type: "response.incomplete",
          response: {
            ...response,
            status: "incomplete",
            incomplete_details: { reason: canned.incomplete },
            usage: FAKE_RESPONSES_USAGE,
          },
        };
  return [{ type: "response.created", response }, ...events, end].map((event, index) => ({
    ...event,
    sequence_number: index,
  }));
}

interface Block {
  readonly item: Readonly<Record<string, unknown>>;
  readonly between: (index: number) => Event[];
}

function messageItem(pieces: readonly string[]): Block {
  const id = "msg_fake";
  const text = pieces.join("");
  const part = { type: "output_text", text, annotations: [] };
  const place = (index: number) => ({ item_id: id, output_index: index, content_index: 0 });
  return {
    item: { type: "message", id, role: "assistant", status: "completed", content: [part] },
    between: (index) => [
      { type: "response.content_part.added", ...place(index), part: { ...part, text: "" } },
      ...pieces.map((delta) => ({ type: "response.output_text.delta", ...place(index), delta })),
      { type: "response.output_text.done", ...place(index), text },
      { type: "response.content_part.done", ...place(index), part },
    ],
  };
}

function reasoningItem(thoughts: readonly string[]): Block {
  const id = "rs_fake";
  const text = thoughts.join("");
  const place = (index: number) => ({ item_id: id, output_index: index, summary_index: 0 });
  const part = { type: "summary_text", text };
  return {
    item: { type: "reasoning", id, summary: [part], encrypted_content: "encrypted-fake" },
    between: (index) => [
      { type: "response.reasoning_summary_part.added", ...place(index), part: { ...part, text: "" } },
      ...thoughts.map((delta) => ({ type: "response.reasoning_summary_text.delta", ...place(index), delta })),
      { type: "response.reasoning_summary_text.done", ...place(index), text },
      { type: "response.reasoning_summary_part.done", ...place(index), part },
    ],
  };
}

function callItem({ id, name, arguments: text }: CannedCall): Block {
  const itemId = `fc_${id}`;
  const place = (index: number) => ({ item_id: itemId, output_index: index });
  return {
    item: { type: "function_call", id: itemId, call_id: id, name, arguments: text, status: "completed" },
    between: (index) => [
      { type: "response.function_call_arguments.delta", ...place(index), delta: text },
      { type: "response.function_call_arguments.done", ...place(index), arguments: text },
    ],
  };
}
