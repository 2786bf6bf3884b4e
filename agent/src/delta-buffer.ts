import type { ChatDelta } from "../../src/lib/openai/delta.ts";

interface BufferedDelta {
  delta: ChatDelta;
  /** Text in UTF-16 units. */
  text: number;
  bytes: number;
}

/** What one delta costs beside its text: keys, quotes and braces in JSON. */
const DELTA_OVERHEAD_BYTES = 64;
/** The protocol's bound on deltas in one chunk message. */
const MAX_CHUNK_DELTAS = 10_000;

/**
 * Deltas that wait for the next chunk message. Neighbours that only carry on the same text become one, and what is
 * larger than a chunk may be is cut, so that the queue grows with the text and not with the number of events.
 */
export class DeltaBuffer {
  readonly #maxText: number;
  #queue: BufferedDelta[] = [];
  #bytes = 0;

  /** `maxText`: the most text of one chunk, in UTF-16 units. */
  constructor(maxText: number) {
    this.#maxText = maxText;
  }

  /** Size of what waits, in bytes (UTF-8, before JSON escapes). */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  push(delta: ChatDelta): void {
    for (const part of splitDelta(delta, this.#maxText)) this.#append(part);
  }

  /** Takes the deltas of one chunk: at least one, then as many as stay within `maxText`. Empty when nothing waits. */
  takeChunk(): ChatDelta[] {
    let text = 0;
    let count = 0;
    for (const entry of this.#queue) {
      const cost = entry.text + DELTA_OVERHEAD_BYTES;
      if (count > 0 && (text + cost > this.#maxText || count === MAX_CHUNK_DELTAS)) break;
      text += cost;
      count += 1;
    }
    const taken = this.#queue.splice(0, count);
    for (const entry of taken) this.#bytes -= entry.bytes;
    return taken.map((entry) => entry.delta);
  }

  clear(): void {
    this.#queue = [];
    this.#bytes = 0;
  }

  #append(delta: ChatDelta): void {
    const text = deltaTextLength(delta);
    const textBytes = deltaTextBytes(delta);
    const last = this.#queue.at(-1);
    const merged = last !== undefined && last.text + text <= this.#maxText ? mergeDeltas(last.delta, delta) : null;
    if (last !== undefined && merged !== null) {
      last.delta = merged;
      last.text += text;
      last.bytes += textBytes;
      this.#bytes += textBytes;
      return;
    }
    const bytes = textBytes + DELTA_OVERHEAD_BYTES;
    this.#queue.push({ delta, text, bytes });
    this.#bytes += bytes;
  }
}

/** The fields whose texts are joined by whoever reads the stream. */
const TEXT_FIELDS = ["content", "reasoning_content"] as const;

/**
 * One delta in place of two neighbours, or `null` where joining could change their meaning. Joined are: content with
 * content, reasoning with reasoning, and further arguments of the same tool call.
 */
export function mergeDeltas(first: ChatDelta, second: ChatDelta): ChatDelta | null {
  const key = onlyKey(second);
  if (key === undefined || onlyKey(first) !== key) return null;
  for (const field of TEXT_FIELDS) {
    if (key !== field) continue;
    const [left, right] = [first[field], second[field]];
    return typeof left === "string" && typeof right === "string" ? { [field]: left + right } : null;
  }
  return key === "tool_calls" ? mergeArguments(first, second) : null;
}

function mergeArguments(first: ChatDelta, second: ChatDelta): ChatDelta | null {
  const [call, more] = [first.tool_calls?.[0], second.tool_calls?.[0]];
  if (call === undefined || more === undefined) return null;
  if (first.tool_calls?.length !== 1 || second.tool_calls?.length !== 1 || call.index !== more.index) return null;
  const moreIsArgumentsOnly =
    Object.keys(more).every((key) => key === "index" || key === "function") &&
    more.function !== undefined &&
    onlyKey(more.function) === "arguments";
  if (!moreIsArgumentsOnly) return null;
  const joined = (call.function?.arguments ?? "") + (more.function?.arguments ?? "");
  return { tool_calls: [{ ...call, function: { ...call.function, arguments: joined } }] };
}

function onlyKey(value: object): string | undefined {
  const keys = Object.keys(value);
  return keys.length === 1 ? keys[0] : undefined;
}

/**
 * Cuts a delta with more text than `maxText` (UTF-16 units) into deltas that mean the same, in order. Never cuts
 * between the halves of a surrogate pair. Ids, names and signatures are not cut.
 */
export function splitDelta(delta: ChatDelta, maxText: number): ChatDelta[] {
  if (deltaTextLength(delta) <= maxText) return [delta];
  const { content, reasoning_content: reasoning, refusal, tool_calls: calls, ...rest } = delta;
  const parts: ChatDelta[] = [];
  for (const piece of cutText(reasoning, maxText)) parts.push({ reasoning_content: piece });
  for (const piece of cutText(content, maxText)) parts.push({ content: piece });
  for (const piece of cutText(refusal, maxText)) parts.push({ refusal: piece });
  for (const call of calls ?? []) {
    const [head = "", ...tail] = cutText(call.function?.arguments, maxText);
    parts.push({
      tool_calls: [call.function === undefined ? call : { ...call, function: { ...call.function, arguments: head } }],
    });
    for (const piece of tail) parts.push({ tool_calls: [{ index: call.index, function: { arguments: piece } }] });
  }
  const [first = {}, ...others] = parts;
  return [{ ...rest, ...first }, ...others];
}

function cutText(text: string | null | undefined, size: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  if (!text) return pieces;
  const end = text.length;
  while (start < end) {
    let cut = Math.min(start + size, end);
    if (cut < end && isHighSurrogate(text.charCodeAt(cut - 1)) && cut - 1 > start) cut -= 1;
    pieces.push(text.slice(start, cut));
    start = cut;
  }
  return pieces;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** All text of a delta, in UTF-16 units. */
export function deltaTextLength(delta: ChatDelta): number {
  return sumTexts(delta, (text) => text.length);
}

function deltaTextBytes(delta: ChatDelta): number {
  return sumTexts(delta, (text) => Buffer.byteLength(text));
}

function sumTexts(delta: ChatDelta, measure: (text: string) => number): number {
  let sum = 0;
  if (delta.content) sum += measure(delta.content);
  if (delta.reasoning_content) sum += measure(delta.reasoning_content);
  if (delta.reasoning_signature) sum += measure(delta.reasoning_signature);
  if (delta.refusal) sum += measure(delta.refusal);
  for (const call of delta.tool_calls ?? []) {
    sum += measure(call.id ?? "") + measure(call.function?.name ?? "") + measure(call.function?.arguments ?? "");
  }
  return sum;
}
