import { isFields } from "../../openai/fields.ts";

/**
 * Whether a schema fits OpenAI's strict structured outputs (platform.openai.com/docs, Structured Outputs): every object
 * names all of its properties as required and allows no others. The CLI always asks for strict ones.
 */
export function isStrictSchema(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrictSchema);
  if (!isFields(schema)) return true;
  const { properties } = schema;
  const isObject = schema["type"] === "object" || isFields(properties);
  if (isObject) {
    const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
    const names = isFields(properties) ? Object.keys(properties) : [];
    if (schema["additionalProperties"] !== false || names.some((name) => !required.includes(name))) return false;
  }
  return Object.entries(schema).every(([keyword, value]) => {
    if (keyword === "properties" || keyword === "$defs" || keyword === "definitions") {
      return !isFields(value) || Object.values(value).every(isStrictSchema);
    }
    return ["anyOf", "items", "allOf"].includes(keyword) ? isStrictSchema(value) : true;
  });
}
