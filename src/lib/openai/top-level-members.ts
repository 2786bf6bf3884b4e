import {
  QUOTE,
  COLON,
  COMMA,
  BACKSLASH,
  OPEN_BRACKET,
  CLOSE_BRACKET,
  OPEN_BRACE,
  CLOSE_BRACE,
  SPACE,
} from "../http/json-bytes.ts";
import { GatewayError } from "../http/errors.ts";

/** Strings up to so many bytes are searched in place; a native search costs more to begin than these take. */
const SHORT_STRING = 48;
/** Where one member of a JSON object stands, as offsets in bytes; ends are exclusive, quotes are part of the key. */
export interface MemberSpan {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** Finds the members of a JSON object while its bytes come in; see {@link createMemberScanner}. */
export interface MemberScanner {
  /** Takes the next bytes, cut anywhere. Throws GatewayError `invalid_json`. */
  push(chunk: Buffer): void;
  /** The members asked for, by key. Throws GatewayError `invalid_json` where the text is no complete object. */
  end(): ReadonlyMap<string, MemberSpan>;
}

export interface MemberScannerOptions {
  /** The keys whose members are wanted. */
  readonly keys: ReadonlySet<string>;
  /** Arrays and objects nested deeper are refused. */
  readonly maxDepth: number;
  /** Texts with more fields, over all objects, are refused. */
  readonly maxFields: number;
  /** The key of a list that may hold nothing but objects. */
  readonly objectsIn?: string;
}

type Expecting = "key" | "colon" | "value" | "comma";

/**
 * Scans the text of a JSON object (RFC 8259) for some of its top-level members, without parsing it: linear, in pieces as
 * they arrive, so that a body of many megabytes never holds the event loop for more than one piece of it. Checks that
 * brackets match and that the top level is an object of `key: value` pairs; what stands inside the values is left to
 * whoever parses them. Deep nesting is refused, since it costs a parser far more memory than bytes. A key that is wanted
 * and stands there twice is refused: two readers could take a different one of them. Long strings are jumped over by a
 * native search.
 */
export function createMemberScanner(options: MemberScannerOptions): MemberScanner {
  const { keys, maxDepth, maxFields, objectsIn } = options;
  // A key of more bytes is none of those wanted, even with every character spelled as an escape of six, and its quotes.
  const maxKeyBytes = 6 * Math.max(0, ...[...keys].map((key) => key.length)) + 2;
  const members = new Map<string, MemberSpan>();
  /** The opening bracket of each level. */
  const brackets: number[] = [];
  let depth = 0;
  let offset = 0;
  let inString = false;
  let isEscaped = false;
  let isDone = false;
  let expecting: Expecting = "key";
  let isFirst = true;
  let keyStart = 0;
  let keyEnd = 0;
  let valueStart = -1;
  let lastByte = 0;
  let isScalar = false;
  let isInObjectList = false;
  let fields = 0;
  let keyBytes: Buffer[] = [];

  /** Index of the byte after the quote that ends the string, or the chunk's length. */
  function skipString(chunk: Buffer, start: number): number {
    let index = start;
    if (isEscaped && index < chunk.length) {
      isEscaped = false;
      index += 1;
    }
    const near = Math.min(chunk.length, index + SHORT_STRING);
    while (index < near) {
      const byte = chunk[index];
      if (byte === QUOTE) {
        inString = false;
        return index + 1;
      }
      index += byte === BACKSLASH ? 2 : 1;
    }
    while (index < chunk.length) {
      const from = index;
      const quote = chunk.indexOf(QUOTE, from);
      const end = quote === -1 ? chunk.length : quote;
      let backslashes = 0;
      while (end - 1 - backslashes >= from && chunk[end - 1 - backslashes] === BACKSLASH) backslashes += 1;
      const isOdd = backslashes % 2 === 1;
      if (quote === -1) {
        isEscaped = isOdd;
        return chunk.length;
      }
      index = quote + 1;
      if (!isOdd) {
        inString = false;
        return index;
      }
    }
    // A backslash at the very end jumped over the chunk's end: the next chunk begins with what it escapes.
    isEscaped = index > chunk.length;
    return chunk.length;
  }

  /** Goes on within a nested value until it ends, a string in it goes beyond the chunk, or the chunk ends. */
  function skipNested(chunk: Buffer, start: number): number {
    let index = start;
    while (index < chunk.length) {
      const byte = chunk[index];
      index += 1;
      if (isInObjectList && depth === 2) checkElement(byte);
      if (byte === QUOTE) {
        inString = true;
        index = skipString(chunk, index);
        if (inString) return index;
      } else if (byte === COLON) {
        countField();
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        open(byte);
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        // An opening bracket's code is two less than that of its closing one.
        if (brackets[depth] !== byte - 2) throw invalidJson();
        depth -= 1;
        if (depth === 1) {
          isInObjectList = false;
          return index;
        }
      }
    }
    return index;
  }

  function endKey(end: number, chunk: Buffer, chunkStart: number): void {
    keyEnd = end;
    expecting = "colon";
    const tail = chunk.subarray(Math.max(0, keyStart - chunkStart), end - chunkStart);
    keyBytes = [...keyBytes, tail];
  }

  function currentKey(): string | undefined {
    if (keyEnd - keyStart > maxKeyBytes) return undefined;
    const [only] = keyBytes;
    const bytes = keyBytes.length === 1 && only !== undefined ? only : Buffer.concat(keyBytes);
    const text = bytes.toString("latin1", 1, bytes.length - 1);
    // A key may be spelled with escapes, and still is that key to every parser.
    return text.includes("\\") ? decodeKey(bytes) : text;
  }

  function endMember(end: number): void {
    if (valueStart === -1) throw invalidJson();
    const key = currentKey();
    keyBytes = [];
    if (key !== undefined && keys.has(key)) {
      if (members.has(key)) throw new GatewayError("invalid_json", `The member '${key}' stands in the request twice.`);
      members.set(key, { keyStart, keyEnd, valueStart, valueEnd: end });
    }
    valueStart = -1;
  }

  function countField(): void {
    fields += 1;
    if (fields > maxFields) {
      throw new GatewayError("invalid_json", `The request body has more than ${maxFields} fields.`);
    }
  }

  /** What may stand in the list itself: objects, and what is between them. */
  function checkElement(byte: number | undefined): void {
    const isFit = byte === OPEN_BRACE || byte === COMMA || byte === CLOSE_BRACKET || (byte ?? 0) <= SPACE;
    if (!isFit) {
      const message = `Invalid value for '${objectsIn}': the list may hold objects only.`;
      throw new GatewayError("invalid_value", message, { param: objectsIn ?? null });
    }
  }

  function open(kind: number): void {
    depth += 1;
    if (depth > maxDepth) {
      throw new GatewayError("invalid_json", `The request body is nested deeper than ${maxDepth} levels.`);
    }
    brackets[depth] = kind;
  }

  function atTopLevel(byte: number, position: number): void {
    switch (byte) {
      case QUOTE:
        inString = true;
        if (expecting === "key") keyStart = position;
        else if (expecting === "value") beginValue(position);
        else throw invalidJson();
        return;
      case COLON:
        if (expecting !== "colon") throw invalidJson();
        countField();
        expecting = "value";
        return;
      case COMMA:
        if (expecting !== "comma") throw invalidJson();
        endMember(lastByte);
        expecting = "key";
        isFirst = false;
        return;
      case CLOSE_BRACE:
        if (expecting === "comma") endMember(lastByte);
        else if (expecting !== "key" || !isFirst) throw invalidJson();
        depth = 0;
        isDone = true;
        return;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (expecting !== "value") throw invalidJson();
        beginValue(position);
        isInObjectList = byte === OPEN_BRACKET && objectsIn !== undefined && currentKey() === objectsIn;
        open(byte);
        return;
      default:
        if (expecting === "value") beginValue(position, true);
        else if (expecting !== "comma" || !isScalar || lastByte !== position) throw invalidJson();
    }
  }

  function beginValue(position: number, scalar = false): void {
    valueStart = position;
    isScalar = scalar;
    expecting = "comma";
  }

  return {
    push(chunk) {
      const chunkStart = offset;
      const { length } = chunk;
      let index = 0;
      while (index < length) {
        if (inString) {
          index = skipString(chunk, index);
          lastByte = chunkStart + index;
          if (!inString && depth === 1 && expecting === "key") endKey(chunkStart + index, chunk, chunkStart);
          continue;
        }
        if (depth > 1) {
          index = skipNested(chunk, index);
          lastByte = chunkStart + index;
          continue;
        }
        const byte = chunk[index] ?? 0;
        if (byte > SPACE) {
          if (depth === 1) atTopLevel(byte, chunkStart + index);
          else if (byte === OPEN_BRACE && !isDone) open(byte);
          else throw invalidJson();
          lastByte = chunkStart + index + 1;
        }
        index += 1;
      }
      offset += length;
      // A key that goes on in the next chunk.
      if (inString && depth === 1 && expecting === "key" && offset - keyStart <= maxKeyBytes) {
        keyBytes = [...keyBytes, chunk.subarray(Math.max(0, keyStart - chunkStart))];
      }
    },
    end() {
      if (!isDone) throw invalidJson();
      return members;
    },
  };
}

function decodeKey(bytes: Buffer): string | undefined {
  try {
    return String(JSON.parse(bytes.toString("utf8")));
  } catch {
    throw invalidJson();
  }
}

function invalidJson(): GatewayError {
  return new GatewayError("invalid_json", "The request body is not a valid JSON object.");
}
