/**
 * Whether a chunk choice's `delta` holds output: anything that is not empty, but for the role. That goes beyond the
 * fields of OpenAI's schema (`content`, `refusal`, `tool_calls`, `function_call`), since compatible servers have more,
 * such as `reasoning_content`, `reasoning` or `audio`.
 */
export function hasOutput(delta: unknown): boolean {
  if (typeof delta !== "object" || delta === null) return false;
  for (const [field, value] of Object.entries(delta)) {
    if (field !== "role" && isFilled(value)) return true;
  }
  return false;
}

function isFilled(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
