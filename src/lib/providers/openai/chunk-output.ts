/**
 * Whether a chunk choice's `delta` holds output: anything that is not empty, but for the role. That goes beyond the
 * fields of OpenAI's schema (`content`, `refusal`, `tool_calls`, `function_call`), since compatible servers have more,
 * such as `reasoning_content`, `reasoning` or `audio`.
 */
export function hasOutput(delta: unknown): boolean {
  if (typeof delta !== "object" || delta === null) return false;
  const fields = delta as Readonly<Record<string, unknown>>;
  for (const field in fields) if (field !== "role" && isFilled(fields[field])) return true;
  return false;
}

function isFilled(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
