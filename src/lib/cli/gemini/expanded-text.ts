/** How the CLI (0.61.0) finds variables in the strings of its settings, whose values it puts in their place. */
const VARIABLE = /\$(?:\{|[A-Za-z_]\w*)/g;
/** Part of every reference within a schema, and no name that a variable has. */
const HARMLESS: ReadonlySet<string> = new Set(["$defs", "$ref"]);

/**
 * Whether a string anywhere in a value, as it would stand in the CLI's settings, names a variable. What a client writes must
 * not: the owner's key would go to the model in its place, and come back in the answer.
 */
export function namesVariable(value: unknown): boolean {
  if (typeof value === "string") return (value.match(VARIABLE) ?? []).some((found) => !HARMLESS.has(found));
  if (Array.isArray(value)) return value.some(namesVariable);
  if (typeof value !== "object" || value === null) return false;
  // Names of members stay as they are, such as `$schema`.
  return Object.values(value).some(namesVariable);
}
