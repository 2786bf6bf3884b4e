import { OPEN_BRACKET } from "../http/json-bytes.ts";
import { isUtf8 } from "node:buffer";
import { GatewayError } from "../http/errors.ts";
import { MAX_DEPTH, MAX_FIELDS, parseBoundedJson, parseJsonText, toRequestError } from "../http/json-body.ts";
import { chatHeadSchema, chatRequestSchema, type ChatHead, type ChatRequest } from "./chat.ts";
import { isPlainChatRequest } from "./plain-chat-request.ts";
import { createMemberScanner, type MemberScanner, type MemberSpan } from "./top-level-members.ts";

/** Bodies up to this size are parsed and checked in full at once, in bytes. */
export const PARSED_AT_ONCE_MAX = 64 * 1024;
/** The most that one of the members read by the gateway may take, `messages` apart, in bytes. */
const MAX_HEAD_MEMBER = 64 * 1024;
const HEAD_KEYS: readonly string[] = Object.keys(chatHeadSchema.shape);
const KEYS: ReadonlySet<string> = new Set([...HEAD_KEYS, "messages"]);

/** What becomes of a member: another value, another name for the value it has. */
export interface MemberChange {
  readonly value?: unknown;
  readonly rename?: string;
}

/** A chat request as it came: the few members that the gateway reads, and the client's own bytes. */
export interface ChatBody {
  readonly head: ChatHead;
  /** Length of the client's bytes. */
  readonly byteLength: number;
  /** The whole request, parsed and checked the first time it is asked for. Throws GatewayError 400. */
  request(): ChatRequest;
  /**
   * The client's bytes with some top-level members changed or added, and everything else as it came: not parsed again and
   * not serialised again. A rename of a member that is not there does nothing.
   */
  withMembers(changes: Readonly<Record<string, MemberChange>>): Buffer;
  /**
   * Lets go of the request, once no attempt can need it any more: a long answer would keep it in memory. From then on only
   * `byteLength` is left, and the others throw Error.
   */
  release(): void;
}

/** Reads a chat request while its bytes come in; see {@link createChatBodyReader}. */
export interface ChatBodyReader {
  /** Takes the next bytes. Throws GatewayError `invalid_json`. */
  push(chunk: Buffer): void;
  /** The request, given all its bytes in one piece. Throws GatewayError 400. */
  end(bytes: Buffer): ChatBody;
}

/**
 * A reader for chat requests. Small ones are parsed and checked in full. Of larger ones only the members that routing and
 * relaying need are parsed: their `messages` are checked when a target asks for the parsed request, or by an upstream that
 * speaks the hub format itself.
 */
export function createChatBodyReader(): ChatBodyReader {
  return new BodyReader();
}

class BodyReader implements ChatBodyReader {
  #early: Buffer[] = [];
  #length = 0;
  #scanner: MemberScanner | undefined;

  push(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#scanner !== undefined) return this.#scanner.push(chunk);
    this.#early.push(chunk);
    if (this.#length <= PARSED_AT_ONCE_MAX) return;
    this.#scanner = startScanner(this.#early);
    this.#early = [];
  }

  end(bytes: Buffer): ChatBody {
    return this.#scanner === undefined ? new SmallBody(bytes) : new LargeBody(bytes, this.#scanner.end());
  }
}

function startScanner(chunks: readonly Buffer[]): MemberScanner {
  const scanner = createMemberScanner({
    keys: KEYS,
    maxDepth: MAX_DEPTH,
    maxFields: MAX_FIELDS,
    objectsIn: "messages",
  });
  for (const chunk of chunks) scanner.push(chunk);
  return scanner;
}

class SmallBody implements ChatBody {
  readonly byteLength: number;
  #request: ChatRequest | undefined;
  #bytes: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.#request = parseRequest(bytes);
    this.#bytes = bytes;
    this.byteLength = bytes.length;
    // Two readers may take a different one of two members of a name; only a text that could hold such is looked through.
    if (mayRepeatModel(bytes)) startScanner([bytes]).end();
  }

  get head(): ChatHead {
    return held(this.#request);
  }

  request(): ChatRequest {
    return held(this.#request);
  }

  withMembers(changes: Readonly<Record<string, MemberChange>>): Buffer {
    const bytes = held(this.#bytes);
    // Most requests go on as they came: where their members stand matters only to the others.
    return hasChanges(changes) ? splice(bytes, startScanner([bytes]).end(), changes) : bytes;
  }

  release(): void {
    this.#request = undefined;
    this.#bytes = undefined;
  }
}

const MODEL_KEY = Buffer.from('"model"');

/** Whether the model may stand in a text twice, in plain letters or spelled with escapes. */
function mayRepeatModel(bytes: Buffer): boolean {
  const first = bytes.indexOf(MODEL_KEY);
  return bytes.indexOf(MODEL_KEY, first + 1) !== -1 || bytes.includes("\\u00");
}

class LargeBody implements ChatBody {
  readonly byteLength: number;
  readonly #members: ReadonlyMap<string, MemberSpan>;
  #head: ChatHead | undefined;
  #request: ChatRequest | undefined;
  #bytes: Buffer | undefined;

  constructor(bytes: Buffer, members: ReadonlyMap<string, MemberSpan>) {
    assertUtf8(bytes);
    this.#head = parseHead(bytes, members);
    this.#members = members;
    this.#bytes = bytes;
    this.byteLength = bytes.length;
  }

  get head(): ChatHead {
    return held(this.#head);
  }

  request(): ChatRequest {
    return (this.#request ??= parseRequest(held(this.#bytes)));
  }

  withMembers(changes: Readonly<Record<string, MemberChange>>): Buffer {
    return splice(held(this.#bytes), this.#members, changes);
  }

  release(): void {
    this.#head = undefined;
    this.#request = undefined;
    this.#bytes = undefined;
  }
}

function held<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error("The request was let go.");
  return part;
}

/** {@link createChatBodyReader} for bytes that are all there. */
export function readChatBody(bytes: Buffer): ChatBody {
  const reader = createChatBodyReader();
  reader.push(bytes);
  return reader.end(bytes);
}

function hasChanges(changes: Readonly<Record<string, MemberChange>>): boolean {
  for (const key in changes) if (Object.hasOwn(changes, key)) return true;
  return false;
}

function assertUtf8(bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new GatewayError("invalid_json", "The request body is not valid UTF-8.");
}

function parseRequest(bytes: Buffer): ChatRequest {
  const value = parseBoundedJson(bytes);
  if (isPlainChatRequest(value)) return value;
  const parsed = chatRequestSchema.safeParse(value);
  if (!parsed.success) throw toRequestError(parsed.error, value);
  return parsed.data;
}

function parseHead(bytes: Buffer, members: ReadonlyMap<string, MemberSpan>): ChatHead {
  const head: Record<string, unknown> = {};
  for (const key of HEAD_KEYS) {
    const span = members.get(key);
    if (span === undefined) continue;
    if (span.valueEnd - span.valueStart > MAX_HEAD_MEMBER) {
      throw new GatewayError("invalid_value", `Invalid value for '${key}': it is too long.`, { param: key });
    }
    head[key] = parseJsonText(bytes.subarray(span.valueStart, span.valueEnd));
  }
  const parsed = chatHeadSchema.safeParse(head);
  if (!parsed.success) throw toRequestError(parsed.error, head);
  const messages = members.get("messages");
  if (messages === undefined) {
    const options = { param: "messages" };
    throw new GatewayError("missing_required_parameter", "Missing required parameter: 'messages'.", options);
  }
  if (bytes[messages.valueStart] !== OPEN_BRACKET) {
    throw new GatewayError("invalid_type", "Invalid type for 'messages': expected an array.", { param: "messages" });
  }
  return parsed.data;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function splice(
  bytes: Buffer,
  members: ReadonlyMap<string, MemberSpan>,
  changes: Readonly<Record<string, MemberChange>>,
): Buffer {
  const edits: Edit[] = [];
  let added = "";
  for (const [key, { value, rename }] of Object.entries(changes)) {
    const span = members.get(key);
    if (span === undefined) {
      if (rename === undefined && value !== undefined) added += `${JSON.stringify(key)}:${JSON.stringify(value)},`;
      continue;
    }
    if (rename !== undefined) edits.push({ start: span.keyStart, end: span.keyEnd, text: JSON.stringify(rename) });
    if (value !== undefined) edits.push({ start: span.valueStart, end: span.valueEnd, text: JSON.stringify(value) });
  }
  if (added !== "") {
    // A request has members (its model), so a comma may follow what goes in front of them.
    const start = bytes.indexOf("{") + 1;
    edits.push({ start, end: start, text: added });
  }
  if (edits.length === 0) return bytes;
  edits.sort((left, right) => left.start - right.start);
  const pieces: Buffer[] = [];
  let position = 0;
  for (const { start, end, text } of edits) {
    pieces.push(bytes.subarray(position, start), Buffer.from(text));
    position = end;
  }
  pieces.push(bytes.subarray(position));
  return Buffer.concat(pieces);
}
