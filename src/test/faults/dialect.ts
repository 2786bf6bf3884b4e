import { anthropicEvents, anthropicFrames, anthropicMessage, FAKE_ANTHROPIC_USAGE } from "../fake-anthropic-server.ts";
import { FAKE_OPENAI_USAGE, openAICompletion, openAIPayloads } from "../fake-openai-server.ts";

/** The text of the answers, in the pieces that are streamed: characters of two, three and four bytes. */
export const PIECES = ["Grüße", ", 世界", " 🌍!"] as const;
export const ANSWER = PIECES.join("");

type Json = Record<string, unknown>;

/** One wire format, as far as the catalogue writes it. Frames are whole SSE frames with their blank line. */
export interface Dialect {
  readonly provider: "openai" | "claude-api";
  /** What the client sends as `model` to reach this fault through this provider. */
  modelFor(faultId: string): string;
  /** The fault that an upstream's model stands for. */
  faultOf(model: string): string;
  /** The whole stream in parts: before the first output, the text, the end with its reason and usage, the end marker. */
  readonly lead: readonly string[];
  readonly text: readonly string[];
  readonly tail: readonly string[];
  readonly marker: string;
  /** `tail` without the reason why the answer ended, and without usage. */
  readonly tailWithoutReason: readonly string[];
  readonly tailWithoutUsage: readonly string[];
  /** A keep-alive of the upstream that is no output. */
  readonly ping: string;
  /** One frame with text of its own. */
  textFrame(text: string): string;
  /** The whole answer in one object, with text of its own and other changes. */
  completion(changes?: Json, text?: string): string;
  /** Changes for `completion` that leave out the reason why the answer ended, and the usage. */
  readonly withoutReason: Json;
  readonly withoutUsage: Json;
  /** The body of a failed answer. */
  errorBody(type: string, message: string, code?: string): string;
  /** An error inside a stream. */
  errorFrame(type: string, message: string): string;
  /** `prompt + completion` of the row: as told in the end, and as told when a stream has begun. */
  readonly tokens: { readonly told: string; readonly begun: string };
}

export const OPENAI: Dialect = createOpenAIDialect();
export const ANTHROPIC: Dialect = createAnthropicDialect();

function createOpenAIDialect(): Dialect {
  const data = (payload: string): string => `data: ${payload}\n\n`;
  const payloads = openAIPayloads({ pieces: PIECES });
  const frames = payloads.map(data);
  const [lead = ""] = frames;
  const [finish = "", usage = ""] = frames.slice(-2);
  const errorBody = (type: string, message: string, code?: string): string =>
    JSON.stringify({ error: { message, type, param: null, code: code ?? null } });
  const piece = payloads[1] ?? "";
  return {
    provider: "openai",
    modelFor: (faultId) => `openai/${faultId}`,
    faultOf: (model) => model,
    lead: [lead],
    text: frames.slice(1, 1 + PIECES.length),
    tail: [finish, usage],
    marker: data("[DONE]"),
    tailWithoutReason: [usage],
    tailWithoutUsage: [finish],
    ping: ": ping\n\n",
    textFrame: (text) => data(piece.replace(JSON.stringify(PIECES[0]), JSON.stringify(text))),
    completion: (changes = {}, text = ANSWER) =>
      JSON.stringify({ ...openAICompletion({ pieces: [text] }), ...changes }),
    withoutReason: { choices: [{ index: 0, message: { role: "assistant", content: ANSWER }, finish_reason: null }] },
    withoutUsage: { usage: undefined },
    errorBody,
    errorFrame: (type, message) => data(errorBody(type, message)),
    tokens: { told: `${FAKE_OPENAI_USAGE.prompt_tokens} + ${FAKE_OPENAI_USAGE.completion_tokens}`, begun: "unknown" },
  };
}

function createAnthropicDialect(): Dialect {
  const events = anthropicEvents({ pieces: PIECES });
  const frame = (event: Json | undefined): string => anthropicFrames(event === undefined ? [] : [event]).join("");
  const named = (type: string): Json => events.find((event) => event["type"] === type) ?? {};
  const stop = frame(named("content_block_stop"));
  const delta = named("message_delta");
  const errorBody = (type: string, message: string): string =>
    JSON.stringify({ type: "error", error: { type, message } });
  const usage = FAKE_ANTHROPIC_USAGE;
  const prompt = usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
  return {
    provider: "claude-api",
    modelFor: (faultId) => `claude-api/claude-${faultId}`,
    faultOf: (model) => model.replace(/^claude-/, ""),
    lead: [frame(named("message_start")), frame(named("content_block_start"))],
    text: events.filter((event) => event["type"] === "content_block_delta").map(frame),
    tail: [stop, frame(delta)],
    marker: frame({ type: "message_stop" }),
    tailWithoutReason: [stop, frame({ ...delta, delta: { stop_reason: null } })],
    tailWithoutUsage: [stop, frame({ ...delta, usage: undefined })],
    ping: frame({ type: "ping" }),
    textFrame: (text) => frame({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    completion: (changes = {}, text = ANSWER) =>
      JSON.stringify({ ...anthropicMessage({ pieces: [text] }), ...changes }),
    withoutReason: { stop_reason: null },
    withoutUsage: { usage: undefined },
    errorBody,
    errorFrame: (type, message) => `event: error\ndata: ${errorBody(type, message)}\n\n`,
    tokens: { told: `${prompt} + ${usage.output_tokens}`, begun: `${prompt} + 1` },
  };
}
