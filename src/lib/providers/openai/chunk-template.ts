import { isFields } from "../../openai/fields.ts";

/** The form of a stream's usual chunk: all of its text but for what the model said. */
export interface ChunkTemplate {
  /**
   * @param payload one line of JSON text
   * @returns what to forward, where the payload differs from the template's chunk in nothing but its output, and has some;
   * `undefined` for any other payload.
   */
  match(payload: string): string | undefined;
}

/** What may stand between the quotes of a JSON string (RFC 8259, section 7), and is not empty. */
const STRING_BODY = /(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))+/y;
/** A member of a usual name, with which `"name":"` can stand in JSON text as that member only. */
const PLAIN_NAME = /^\w+$/;
/** Longer chunks are parsed: they are rare, and the regular expression would overflow its stack at some millions. */
const MAX_LENGTH = 64 * 1024;
export const NULL_USAGE = ',"usage":null';

/**
 * Makes the template of a chunk that was parsed and found well, so that the next ones need no parsing: the chunks of one
 * stream have the same id, model and members, and differ in a string of `delta` and in OpenAI's `obfuscation` alone. A
 * text that has the template's own bytes around a valid JSON string is a chunk of the same meaning.
 *
 * @param payload the chunk's text, one line
 * @param chunk the same, parsed
 * @param keepsUsage whether the client is to see a `usage` of null
 * @returns `undefined` for a chunk of another form: several choices, no output as text, an end, usage, or names that stand there twice
 */
export function createChunkTemplate(
  payload: string,
  chunk: Readonly<Record<string, unknown>>,
  keepsUsage: boolean,
): ChunkTemplate | undefined {
  if (payload.length > MAX_LENGTH) return undefined;
  const output = findOutput(payload, chunk["choices"]);
  if (output === undefined || chunk["usage"] != null) return undefined;
  const padding = findString(payload, "obfuscation", chunk["obfuscation"]);
  const last = padding !== undefined && padding.start > output.end ? padding : undefined;
  const parts = [
    copyOf(payload.slice(0, output.start)),
    copyOf(payload.slice(output.end, last?.start)),
    last && copyOf(payload.slice(last.end)),
  ] as const;
  if (keepsUsage || chunk["usage"] === undefined) return new Template(parts, parts);
  if (countOf(payload, '"usage"') !== 1 || !payload.includes(NULL_USAGE)) return undefined;
  const forwarded = parts.map((part) => part?.replace(NULL_USAGE, ""));
  return new Template(parts, [forwarded[0] ?? "", forwarded[1] ?? "", forwarded[2]]);
}

type Parts = readonly [head: string, middle: string, tail: string | undefined];

class Template implements ChunkTemplate {
  readonly #expected: Parts;
  readonly #forwarded: Parts;

  constructor(expected: Parts, forwarded: Parts) {
    this.#expected = expected;
    this.#forwarded = forwarded;
  }

  match(payload: string): string | undefined {
    const [head, middle, tail] = this.#expected;
    if (payload.length > MAX_LENGTH) return undefined;
    if (!hasAt(payload, head, 0)) return undefined;
    const outputEnd = endOfBody(payload, head.length);
    if (outputEnd === undefined || !hasAt(payload, middle, outputEnd)) return undefined;
    let end = outputEnd + middle.length;
    if (tail !== undefined) {
      const paddingEnd = endOfBody(payload, end);
      if (paddingEnd === undefined || !hasAt(payload, tail, paddingEnd)) return undefined;
      end = paddingEnd + tail.length;
    }
    if (end !== payload.length) return undefined;
    if (this.#forwarded === this.#expected) return payload;
    const [newHead, newMiddle, newTail] = this.#forwarded;
    const output = newHead + payload.slice(head.length, outputEnd) + newMiddle;
    if (tail === undefined) return output;
    return output + payload.slice(outputEnd + middle.length, end - tail.length) + (newTail ?? "");
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the text of the only choice's `delta` stands, if the choice has not ended. */
function findOutput(payload: string, choices: unknown): Span | undefined {
  if (!Array.isArray(choices) || choices.length !== 1) return undefined;
  const [choice]: unknown[] = choices;
  if (!isFields(choice) || choice["finish_reason"] != null || !isFields(choice["delta"])) return undefined;
  for (const [name, value] of Object.entries(choice["delta"])) {
    const span = name === "role" ? undefined : findString(payload, name, value);
    if (span !== undefined) return span;
  }
  return undefined;
}

/**
 * Where the value of a member stands in the text, without its quotes; `undefined` where that is not certain. Quotes in JSON
 * strings are escaped, so the text `"name":"` can only be such a member.
 */
function findString(payload: string, name: string, value: unknown): Span | undefined {
  if (typeof value !== "string" || value === "" || !PLAIN_NAME.test(name)) return undefined;
  if (countOf(payload, `"${name}"`) !== 1) return undefined;
  const key = `"${name}":"`;
  const start = payload.indexOf(key) + key.length;
  if (start < key.length) return undefined;
  const end = endOfBody(payload, start);
  if (end === undefined || JSON.parse(`"${payload.slice(start, end)}"`) !== value) return undefined;
  return { start, end };
}

/** Where the string that begins behind the quote at `start` ends; `undefined` where it is empty or not valid. */
function endOfBody(payload: string, start: number): number | undefined {
  STRING_BODY.lastIndex = start;
  return STRING_BODY.test(payload) ? STRING_BODY.lastIndex : undefined;
}

/** A part of a text is a view of it to V8, which would keep all that came with this chunk for as long as the stream lasts. */
function copyOf(part: string): string {
  const latin1 = Buffer.from(part, "latin1").toString("latin1");
  return latin1 === part ? latin1 : Buffer.from(part, "utf16le").toString("utf16le");
}

/** As `startsWith`, at less than half its cost for a long part. */
function hasAt(text: string, part: string, start: number): boolean {
  return text.slice(start, start + part.length) === part;
}

function countOf(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) count += 1;
  return count;
}
