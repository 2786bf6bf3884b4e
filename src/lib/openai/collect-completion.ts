import type { ChatCompletion, CompletionMessage, CompletionToolCall } from "./completion.ts";
import type { ChatDelta } from "./delta.ts";
import type { FinishReason, Usage } from "./usage.ts";

export interface CollectedEnd {
  /** `chatcmpl-…`. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** The model that answered. */
  readonly model: string;
  readonly finishReason: FinishReason;
  readonly usage?: Usage | undefined;
}

export interface CompletionCollector {
  /** Adds one step of the answer. Always `true`: memory is the caller's reader, so nothing has to wait. */
  delta(delta: ChatDelta): boolean;
  /** Never calls back: {@link CompletionCollector.delta} never answers `false`. */
  onDrain(listener: () => void): void;
  /** The whole answer; `content` is `null` when there was no text, only tool calls or a refusal. */
  completion(end: CollectedEnd): ChatCompletion;
}

interface ToolCallParts {
  id: string;
  name: string;
  readonly argumentParts: string[];
}

/**
 * Gathers the deltas of a stream into one `chat.completion` (OpenAI `CreateChatCompletionResponse`). Pure: ids and times
 * are the caller's. Text is joined once at the end, so an answer of n pieces costs O(n). A signature of the thinking is
 * kept only where it came once and no thinking followed it: it holds for its own block's text, not for several joined.
 */
export function createCompletionCollector(): CompletionCollector {
  const content: string[] = [];
  const reasoning: string[] = [];
  let signature: string | undefined;
  let severalBlocks = false;
  const refusal: string[] = [];
  const toolCalls = new Map<number, ToolCallParts>();

  const addToolCalls = (calls: NonNullable<ChatDelta["tool_calls"]>): void => {
    for (const call of calls) {
      let parts = toolCalls.get(call.index);
      if (parts === undefined) {
        parts = { id: "", name: "", argumentParts: [] };
        toolCalls.set(call.index, parts);
      }
      if (call.id !== undefined) parts.id = call.id;
      if (call.function?.name !== undefined) parts.name += call.function.name;
      if (call.function?.arguments !== undefined) parts.argumentParts.push(call.function.arguments);
    }
  };

  const message = (): CompletionMessage => {
    const text = content.join("");
    const refusalText = refusal.join("");
    const calls: CompletionToolCall[] = [...toolCalls.entries()]
      .sort(([left], [right]) => left - right)
      .map(([, parts]) => ({
        id: parts.id,
        type: "function",
        function: { name: parts.name, arguments: parts.argumentParts.join("") },
      }));
    const onlyElse = text === "" && (calls.length > 0 || refusalText !== "");
    return {
      role: "assistant",
      content: onlyElse ? null : text,
      refusal: refusalText === "" ? null : refusalText,
      ...(reasoning.length > 0 ? { reasoning_content: reasoning.join("") } : {}),
      ...(signature === undefined || severalBlocks ? {} : { reasoning_signature: signature }),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
  };

  return {
    delta(delta) {
      if (delta.content) content.push(delta.content);
      if (delta.reasoning_content) {
        reasoning.push(delta.reasoning_content);
        severalBlocks ||= signature !== undefined;
      }
      if (delta.reasoning_signature) {
        severalBlocks ||= signature !== undefined;
        signature = delta.reasoning_signature;
      }
      if (delta.refusal) refusal.push(delta.refusal);
      if (delta.tool_calls !== undefined) addToolCalls(delta.tool_calls);
      return true;
    },
    onDrain() {},
    completion: (end) => ({
      id: end.id,
      object: "chat.completion",
      created: end.created,
      model: end.model,
      choices: [{ index: 0, message: message(), logprobs: null, finish_reason: end.finishReason }],
      ...(end.usage === undefined ? {} : { usage: end.usage }),
    }),
  };
}
