import { QUOTE, COLON, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE } from "./json-bytes.ts";

/**
 * Whether arrays and objects in a JSON text are nested deeper than `maxDepth`. Deep nesting costs the parser far more
 * memory than bytes, and what was parsed could not be serialised again (recursion ends at some thousands of levels).
 * Linear; strings are jumped over by a native search, so a long prompt costs next to nothing.
 */
export function isNestedDeeper(json: Buffer, maxDepth: number): boolean {
  // Each level takes two bytes to open and close.
  if (json.length <= 2 * maxDepth) return false;
  let depth = 0;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index];
    if (byte === QUOTE) {
      index = endOfString(json, index);
      if (index === -1) return false;
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      depth -= 1;
    }
  }
  return false;
}

/** The least that one field of an object takes: `"":0,`. */
const MIN_FIELD_BYTES = 5;

/**
 * Whether the objects in a JSON text have more than `maxFields` fields together. Names that are all different cost the
 * parser, the validator and the serialiser 3 to 10 microseconds each, a thousand times what their bytes would. Free for a
 * text that is too short for so many; else linear, as {@link isNestedDeeper}.
 */
export function hasMoreFields(json: Buffer, maxFields: number): boolean {
  if (json.length < maxFields * MIN_FIELD_BYTES) return false;
  let fields = 0;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index];
    if (byte === QUOTE) {
      index = endOfString(json, index);
      if (index === -1) return false;
    } else if (byte === COLON) {
      fields += 1;
      if (fields > maxFields) return true;
    }
  }
  return false;
}

/** Index of the quote that ends the string beginning at `start`; -1 where none does. */
function endOfString(json: Buffer, start: number): number {
  for (let end = json.indexOf(QUOTE, start + 1); end !== -1; end = json.indexOf(QUOTE, end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}
