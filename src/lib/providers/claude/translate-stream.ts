import { GatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import { toFinishReason } from "./finish-reason.ts";
import { isFields, type Fields } from "../../openai/fields.ts";
import { translateClaudeErrorEvent } from "./translate-error.ts";
import { mergeClaudeUsage, toUsage, type ClaudeUsageCounts } from "./translate-usage.ts";

/** Turns the stream of one Messages API answer into chat deltas; see {@link createClaudeStreamTranslator}. */
export interface ClaudeStreamTranslator {
  /**
   * Takes one stream event, parsed from JSON and otherwise unchecked.
   *
   * @returns The deltas to forward, in order; often none or one.
   * @throws GatewayError on an `error` event (by its type) and `upstream_invalid_response` on an event that lacks
   * what its type promises. Unknown event, block and delta types are ignored, as Anthropic asks of its clients.
   */
  push(event: unknown): readonly ChatDelta[];
  /** The model that answers, from `message_start`. */
  readonly model: string | undefined;
  /** How many `message_start` were seen: more than one means that the source began anew or went on. */
  readonly messageStarts: number;
  /** Anthropic's `stop_reason` of the current message, as it came. */
  readonly stopReason: string | undefined;
  /** Whether the current message ended by the book: a `message_delta` with a stop reason, then `message_stop`. */
  readonly ended: boolean;
  /** OpenAI's finish reason, once a stop reason is known. */
  readonly finishReason: FinishReason | undefined;
  /** The current message's tokens so far; `undefined` while not told. Before `message_delta` the output count is Anthropic's first estimate. */
  usage(): Usage | undefined;
}

export interface ClaudeStreamTranslatorOptions {
  /** Maps a tool's name as the model used it to the name the client gave it. */
  readonly toolName?: (name: string) => string;
}

interface OpenToolCall {
  /** Index in `tool_calls`, dense from 0 over the whole stream. */
  readonly index: number;
  /** The `input` that stood in `content_block_start`; counts only if no delta follows. */
  readonly input: Fields;
  hasArguments: boolean;
}

const NOTHING: readonly ChatDelta[] = [];

/**
 * A translator for the stream events of the Messages API (platform.claude.com/docs, Streaming messages): text to
 * `content`, thinking to `reasoning_content`, tool use to `tool_calls`, and at the end of an answer with a single thinking
 * block its signature to `reasoning_signature`.
 * Redacted thinking and server tools have no place in a chat delta and are left out. Serves the API and the CLI, whose
 * `stream_event` lines carry the same events; where such a line carries `abandoned_blocks` beside the event, its reader
 * must copy that field into the event so that the message does not count as ended.
 *
 * A later `message_start` begins a new message: model, stop reason and usage are then those of the new one.
 */
export function createClaudeStreamTranslator(options: ClaudeStreamTranslatorOptions = {}): ClaudeStreamTranslator {
  const toolName = options.toolName ?? ((name: string) => name);
  const openToolCalls = new Map<unknown, OpenToolCall>();
  let toolCallCount = 0;
  let toolCallsBefore = 0;
  let messageStarts = 0;
  let model: string | undefined;
  let stopReason: string | undefined;
  let ended = false;
  let counts: ClaudeUsageCounts = {};
  let thinkingBlocks = 0;
  let signature = "";

  function startMessage(event: Fields): readonly ChatDelta[] {
    const message = requireRecord(event, "message");
    messageStarts += 1;
    openToolCalls.clear();
    toolCallsBefore = toolCallCount;
    stopReason = undefined;
    ended = false;
    thinkingBlocks = 0;
    signature = "";
    model = typeof message["model"] === "string" ? message["model"] : model;
    counts = mergeClaudeUsage({}, message["usage"]);
    return NOTHING;
  }

  function startBlock(event: Fields): readonly ChatDelta[] {
    const block = requireRecord(event, "content_block");
    switch (block["type"]) {
      case "text":
        return textDelta("content", block["text"] ?? "");
      case "thinking":
        thinkingBlocks += 1;
        keepSignature(block["signature"] ?? "");
        return textDelta("reasoning_content", block["thinking"] ?? "");
      case "tool_use":
        return startToolCall(event["index"], block);
      default:
        return NOTHING;
    }
  }

  /** A signature holds for its own block's text alone, so it is given at the end, where there was one thinking block. */
  function keepSignature(text: unknown): readonly ChatDelta[] {
    if (typeof text !== "string") throw invalidEvent("a signature is no text");
    signature += text;
    return NOTHING;
  }

  function startToolCall(blockIndex: unknown, block: Fields): readonly ChatDelta[] {
    const index = toolCallCount;
    toolCallCount += 1;
    const input = isFields(block["input"]) ? block["input"] : {};
    openToolCalls.set(blockIndex, { index, input, hasArguments: false });
    const name = toolName(requireString(block, "name"));
    return [
      { tool_calls: [{ index, id: requireString(block, "id"), type: "function", function: { name, arguments: "" } }] },
    ];
  }

  function continueBlock(event: Fields): readonly ChatDelta[] {
    const delta = requireRecord(event, "delta");
    switch (delta["type"]) {
      case "text_delta":
        return textDelta("content", delta["text"]);
      case "thinking_delta":
        return textDelta("reasoning_content", delta["thinking"]);
      case "signature_delta":
        return keepSignature(delta["signature"]);
      case "input_json_delta":
        return continueToolCall(event["index"], requireString(delta, "partial_json"));
      default:
        return NOTHING;
    }
  }

  function continueToolCall(blockIndex: unknown, partialJson: string): readonly ChatDelta[] {
    const call = openToolCalls.get(blockIndex);
    if (call === undefined || partialJson === "") return NOTHING;
    call.hasArguments = true;
    return [argumentsDelta(call.index, partialJson)];
  }

  function stopBlock(blockIndex: unknown): readonly ChatDelta[] {
    const call = openToolCalls.get(blockIndex);
    if (call === undefined) return NOTHING;
    openToolCalls.delete(blockIndex);
    return call.hasArguments ? NOTHING : [argumentsDelta(call.index, JSON.stringify(call.input))];
  }

  function changeMessage(event: Fields): readonly ChatDelta[] {
    const delta = requireRecord(event, "delta");
    counts = mergeClaudeUsage(counts, event["usage"]);
    if (typeof delta["stop_reason"] !== "string") return NOTHING;
    stopReason = delta["stop_reason"];
    const deltas = [...openToolCalls.keys()].flatMap(stopBlock);
    return thinkingBlocks === 1 && signature !== "" ? [...deltas, { reasoning_signature: signature }] : deltas;
  }

  function stopMessage(event: Fields): readonly ChatDelta[] {
    ended = stopReason !== undefined && (event["abandoned_blocks"] ?? null) === null;
    return NOTHING;
  }

  return {
    push(event) {
      if (!isFields(event)) throw invalidEvent("a stream event is no object");
      switch (event["type"]) {
        case "content_block_delta":
          return continueBlock(event);
        case "content_block_start":
          return startBlock(event);
        case "content_block_stop":
          return stopBlock(event["index"]);
        case "message_start":
          return startMessage(event);
        case "message_delta":
          return changeMessage(event);
        case "message_stop":
          return stopMessage(event);
        case "error":
          throw translateClaudeErrorEvent(event);
        default:
          return NOTHING;
      }
    },
    get model() {
      return model;
    },
    get messageStarts() {
      return messageStarts;
    },
    get stopReason() {
      return stopReason;
    },
    get ended() {
      return ended;
    },
    get finishReason() {
      return stopReason === undefined ? undefined : toFinishReason(stopReason, toolCallCount > toolCallsBefore);
    },
    usage: () => toUsage(counts),
  };
}

function textDelta(field: "content" | "reasoning_content", text: unknown): readonly ChatDelta[] {
  if (typeof text !== "string") throw invalidEvent("a text or thinking delta has no text");
  return text === "" ? NOTHING : [{ [field]: text }];
}

function argumentsDelta(index: number, text: string): ChatDelta {
  return { tool_calls: [{ index, function: { arguments: text } }] };
}

function requireRecord(source: Fields, name: string): Fields {
  const value = source[name];
  if (!isFields(value)) throw invalidEvent(`an event has no ${name} object`);
  return value;
}

function requireString(source: Fields, name: string): string {
  const value = source[name];
  if (typeof value !== "string") throw invalidEvent(`a block or delta has no ${name} text`);
  return value;
}

function invalidEvent(what: string): GatewayError {
  return new GatewayError("upstream_invalid_response", `The model's event stream is malformed: ${what}.`);
}
