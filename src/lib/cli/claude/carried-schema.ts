import { isFields, type Fields } from "../../openai/fields.ts";

/** The CLI moves these out of a schema's root and into the description. */
const MOVED_KEYWORDS = ["oneOf", "anyOf", "allOf"] as const;

/**
 * A tool's schema in the form in which the CLI hands it on: for one schema that it does not like it drops all tools, and asks
 * the model all the same. What means nothing is left out (`properties` and `required` of null), and what all versions take is
 * put in the place of what says the same (`{}` for `true`).
 *
 * @returns what is wrong with it, in words that go on a sentence, where there is no such form
 */
export function toCarriedSchema(schema: Fields): Fields | string {
  const { properties, required, ...rest } = schema;
  if (rest["type"] !== "object") return "are no object";
  const moved = MOVED_KEYWORDS.find((keyword) => keyword in rest);
  if (moved !== undefined) return `have '${moved}' at their root`;
  if (!["undefined", "string"].includes(typeof rest["description"])) return "have a description that is no text";
  if (required != null && !isTexts(required)) return "have 'required' that is no list of names";
  const carried = properties == null ? properties : toCarriedProperties(properties);
  if (typeof carried === "string") return carried;
  return { ...rest, ...(carried == null ? {} : { properties: carried }), ...(required == null ? {} : { required }) };
}

function toCarriedProperties(properties: unknown): Fields | string {
  if (!isFields(properties)) return "have 'properties' that are no object";
  const entries = Object.entries(properties);
  if (entries.some(([name]) => name === "__proto__")) return "have a property named '__proto__'";
  if (entries.some(([, value]) => value !== true && !isFields(value))) return "have a property without a schema";
  if (!entries.some(([, value]) => value === true)) return properties;
  return Object.fromEntries(entries.map(([name, value]) => [name, value === true ? {} : value]));
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
