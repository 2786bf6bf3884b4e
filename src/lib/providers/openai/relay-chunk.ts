import { isFields } from "../../openai/fields.ts";
import { GatewayError } from "../../http/errors.ts";
import { FINISH_REASONS, type FinishReason, type Usage } from "../../openai/usage.ts";
import { hasOutput } from "./chunk-output.ts";
import { createChunkTemplate, NULL_USAGE, type ChunkTemplate } from "./chunk-template.ts";
import { readUsage } from "./read-usage.ts";
import { translateOpenAIErrorPayload } from "./translate-error.ts";

export interface ChunkRelayOptions {
  /** Whether the client asked for `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  /** How many choices the client asked for. */
  readonly choices: number;
}

/** Watches the chunks of one stream as they pass; see {@link createChunkRelay}. */
export interface ChunkRelay {
  /**
   * Takes the payload of one event's `data:` lines.
   *
   * @returns What to forward, as one line, or `undefined` when the client is not to see it.
   * @throws GatewayError on an `{"error": …}` payload, and `upstream_invalid_response` on one that is not a chunk.
   */
  push(data: string): string | undefined;
  /** Whether the chunk pushed last brought output or the end of a choice, rather than keeping the connection alive. */
  readonly broughtOutput: boolean;
  /** The model, as the upstream named it first. */
  readonly model: string | undefined;
  /** The finish reason of the first choice that had one. */
  readonly finishReason: FinishReason | undefined;
  /** Whether as many choices as were asked for, and every one that was begun, have their finish reason. */
  readonly finished: boolean;
  /** Whether every choice that was begun has its finish reason, and they are fewer than were asked for. */
  readonly lacksChoices: boolean;
  readonly usage: Usage | undefined;
}

/** A stream whose chunks have no form in common is not searched for one again and again. */
const MAX_TEMPLATES = 16;

/**
 * A relay for the chunks of an upstream that speaks the hub format (OpenAI `CreateChatCompletionStreamResponse`). They
 * pass as they came, byte for byte; they are parsed only to see usage, ends and errors, and not even that where one differs
 * from the one before it in its text alone. The proxy always asks for usage,
 * so for a client that did not, the `usage` key is cut out and the chunk without choices is held back.
 */
export function createChunkRelay(options: ChunkRelayOptions): ChunkRelay {
  return new Relay(options);
}

/** A class: an object with so many accessors and closures of its own takes 2 KB of every open stream. */
class Relay implements ChunkRelay {
  readonly #options: ChunkRelayOptions;
  /** Every choice that was begun, by its index: whether it has ended. */
  readonly #choices = new Map<unknown, boolean>();
  #ended = 0;
  broughtOutput = false;
  model: string | undefined;
  finishReason: FinishReason | undefined;
  usage: Usage | undefined;
  #template: ChunkTemplate | undefined;
  #templates = 0;

  constructor(options: ChunkRelayOptions) {
    this.#options = options;
  }

  get finished(): boolean {
    return this.#ended >= this.#options.choices && this.#choices.size === this.#ended;
  }

  get lacksChoices(): boolean {
    return this.#ended > 0 && this.#choices.size === this.#ended && this.#ended < this.#options.choices;
  }

  push(data: string): string | undefined {
    const known = this.#template?.match(data);
    if (known !== undefined) {
      this.broughtOutput = true;
      return known;
    }
    const chunk = parseChunk(data);
    // Outside of strings, where JSON allows no raw line end, one is white space.
    const payload = data.includes("\n") ? data.replaceAll("\n", " ") : data;
    if (chunk["error"]) throw translateOpenAIErrorPayload(chunk);
    const choices = chunk["choices"];
    if (!Array.isArray(choices)) throw invalidChunk();
    if (this.model === undefined && typeof chunk["model"] === "string") this.model = chunk["model"];
    this.broughtOutput = false;
    for (const choice of choices) this.#watchChoice(choice);
    const chunkUsage = chunk["usage"];
    if (chunkUsage != null) this.usage = readUsage(chunkUsage) ?? this.usage;
    if (payload === data) this.#makeTemplate(payload, chunk);
    if (this.#options.includeUsage) return payload;
    // Naive clients read `choices[0]` of every chunk; such chunks carry usage, or an upstream's remarks.
    if (choices.length === 0) return undefined;
    return chunkUsage === undefined ? payload : withoutUsage(payload, chunk);
  }

  #makeTemplate(payload: string, chunk: Readonly<Record<string, unknown>>): void {
    if (this.#templates === MAX_TEMPLATES) return;
    const made = createChunkTemplate(payload, chunk, this.#options.includeUsage);
    if (made === undefined) return;
    this.#template = made;
    this.#templates += 1;
  }

  #watchChoice(choice: unknown): void {
    if (!isFields(choice)) throw invalidChunk();
    const index = choice["index"];
    const hasEnded = this.#choices.get(index);
    if (hasEnded === undefined) this.#choices.set(index, false);
    if (hasOutput(choice["delta"])) this.broughtOutput = true;
    const reason = choice["finish_reason"];
    if (typeof reason !== "string" || reason === "" || hasEnded === true) return;
    this.broughtOutput = true;
    this.#choices.set(index, true);
    this.#ended += 1;
    this.finishReason ??= toFinishReason(reason);
  }
}

/** OpenAI's finish reasons as they are; what another server invents counts as `stop`. */
export function toFinishReason(reason: string): FinishReason {
  return FINISH_REASONS.find((known) => known === reason) ?? "stop";
}

function withoutUsage(payload: string, chunk: Readonly<Record<string, unknown>>): string {
  // Nearly every chunk has `"usage":null` once. Quotes inside JSON strings are escaped, so this text can only be that key.
  const isOnlyOne = payload.indexOf('"usage"') === payload.lastIndexOf('"usage"');
  if (chunk["usage"] === null && isOnlyOne && payload.includes(NULL_USAGE)) return payload.replace(NULL_USAGE, "");
  const { usage: _usage, ...rest } = chunk;
  return JSON.stringify(rest);
}

function parseChunk(payload: string): Readonly<Record<string, unknown>> {
  let chunk: unknown;
  try {
    chunk = JSON.parse(payload);
  } catch {
    throw invalidChunk();
  }
  if (!isFields(chunk)) throw invalidChunk();
  return chunk;
}

function invalidChunk(): GatewayError {
  return new GatewayError("upstream_invalid_response", "The upstream's stream holds something other than chat chunks.");
}
