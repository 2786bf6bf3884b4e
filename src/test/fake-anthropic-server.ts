import {
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedReply,
  type ScriptedServer,
} from "./fake-scripted-server.ts";

export interface FakeAnthropicServer extends ScriptedServer {
  /** Without `/v1`, as `ANTHROPIC_BASE_URL` has it. */
  readonly baseUrl: string;
}

export interface FakeAnthropicServerOptions {
  /** Ids that `GET /v1/models` lists. */
  readonly models?: readonly string[];
}

/** The tokens that every canned answer reports. */
export const FAKE_ANTHROPIC_USAGE = {
  input_tokens: 25,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 2000,
  output_tokens: 9,
};

/**
 * A stand-in for the Anthropic API: `GET /v1/models` and, scripted by `enqueue`, `POST /v1/messages`. A request without
 * a script gets "Hello there!" in the form it asked for.
 */
export async function startFakeAnthropicServer(options: FakeAnthropicServerOptions = {}): Promise<FakeAnthropicServer> {
  const models = options.models ?? ["claude-sonnet-5-5", "claude-opus-5-5"];
  const data = models.map((id) => ({ type: "model", id, display_name: id, created_at: "2026-09-01T00:00:00Z" }));
  const server = await startScriptedServer({
    fallback: answerPlainly,
    aside: ({ method, path }) =>
      method === "GET" && path.startsWith("/v1/models") ? { json: { data, has_more: false } } : undefined,
  });
  return { ...server, baseUrl: server.origin };
}

function answerPlainly({ body }: ReceivedRequest): ScriptedReply {
  const { stream, model } = body as { stream?: boolean; model?: string };
  const headers = { "request-id": "req_fake" };
  if (!stream) return { json: anthropicMessage({ model: model ?? "claude-sonnet-5-5" }), headers };
  return { steps: anthropicFrames(anthropicEvents({ model: model ?? "claude-sonnet-5-5" })), headers };
}

export interface CannedMessage {
  /** The text, in the pieces that are streamed. */
  readonly pieces?: readonly string[];
  readonly model?: string;
  readonly stopReason?: string;
}

const PIECES = ["Hello", " there", "!"];

/** A whole message as the Messages API sends it. */
export function anthropicMessage({
  pieces = PIECES,
  model = "claude-sonnet-5-5",
  stopReason = "end_turn",
}: CannedMessage = {}): Record<string, unknown> {
  return {
    id: "msg_fake",
    type: "message",
    role: "assistant",
    model,
    content: [{ type: "text", text: pieces.join("") }],
    stop_reason: stopReason,
    stop_sequence: null,
    usage: FAKE_ANTHROPIC_USAGE,
  };
}

/** The events of a stream as the Messages API sends it, a ping included. */
export function anthropicEvents({
  pieces = PIECES,
  model = "claude-sonnet-5-5",
  stopReason = "end_turn",
}: CannedMessage = {}): Record<string, unknown>[] {
  const message = { ...anthropicMessage({ model }), content: [], stop_reason: null };
  return [
    { type: "message_start", message: { ...message, usage: { ...FAKE_ANTHROPIC_USAGE, output_tokens: 1 } } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    ...pieces.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ];
}

/** Events as SSE frames, named as the Messages API names them. */
export function anthropicFrames(events: readonly Record<string, unknown>[]): string[] {
  return events.map((event) => `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`);
}
