/** An escape within a JSON string; the group holds one of half a surrogate pair, which `JSON.stringify` always escapes. */
const ESCAPE = /\\(?:(ud[89a-f][0-9a-f]{2})|.)/g;

/**
 * A JSON value as one line. Texts and keys are made well formed, as by `String.prototype.toWellFormed`: a line with half a
 * surrogate pair is never answered by the CLI (0.169.0).
 */
export function encodeLine(message: unknown): string {
  const json = JSON.stringify(message);
  const isSuspect = json.includes("\\ud");
  const line = isSuspect ? json.replace(ESCAPE, (escape, half?: string) => (half ? "\ufffd" : escape)) : json;
  return `${line}\n`;
}
