import { isUtf8 } from "node:buffer";
import type { z } from "zod";
import { readBody } from "./body.ts";
import type { HttpContext } from "./context.ts";
import { GatewayError } from "./errors.ts";
import { hasMoreFields, isNestedDeeper } from "./json-depth.ts";

/** Deeper than any sensible request, and far from where the serialiser's recursion ends. */
export const MAX_DEPTH = 500;
/** Ten times what the largest sensible request has, and half a second of work if all names differ. */
export const MAX_FIELDS = 100_000;

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** A path as OpenAI's API writes it: `messages[0].content[1].type`. */
export function formatParam(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? String(part) : `.${String(part)}`;
  }
  return text;
}

/** The value at a path of parsed JSON; undefined where there is none. */
function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<PropertyKey, unknown>)[part];
  }
  return current;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return `a ${typeof value}`;
}

const article = (noun: string): string =>
  /^(null|undefined)$/.test(noun) ? noun : `${/^[aeio]/.test(noun) ? "an" : "a"} ${noun}`;

/**
 * The issue that tells the caller most: of a union's branches the one that got furthest into the value, since the
 * others failed on the kind of the value alone.
 */
function mostSpecific(issue: Issue, prefix: Path = []): { issue: Issue; path: Path } {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "invalid_union") return { issue, path };
  let best: { issue: Issue; path: Path } | undefined;
  for (const branch of issue.errors) {
    const first = branch[0];
    if (first === undefined) continue;
    const candidate = mostSpecific(first, path);
    const isDeeper = candidate.path.length > (best?.path.length ?? path.length);
    const isFurther = candidate.issue.code !== "invalid_type" && best === undefined;
    if (isDeeper || isFurther) best = candidate;
  }
  return best ?? { issue, path };
}

/** A failed parse as the error an OpenAI client expects: 400 with `param` naming the field. Quotes no values. */
export function toRequestError(error: z.core.$ZodError, input: unknown): GatewayError {
  const [first] = error.issues;
  if (first === undefined) return new GatewayError("invalid_request", "The request body is invalid.");
  const { issue, path } = mostSpecific(first);
  const param = formatParam(path);
  const value = valueAt(input, path);
  const options = { param: param === "" ? null : param };
  const name = param === "" ? "the request body" : `'${param}'`;

  if (param !== "" && value === undefined) {
    return new GatewayError("missing_required_parameter", `Missing required parameter: ${name}.`, options);
  }
  if (issue.code === "invalid_type") {
    const message = `Invalid type for ${name}: expected ${article(issue.expected)}, but got ${kindOf(value)} instead.`;
    return new GatewayError("invalid_type", message, options);
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const message = `Invalid type for ${name}: ${kindOf(value)} of this form is not supported here.`;
    return new GatewayError("invalid_type", message, options);
  }
  return new GatewayError("invalid_value", `Invalid value for ${name}: ${issue.message}.`, options);
}

/** Parses UTF-8 JSON text. Throws GatewayError `invalid_json`. */
export function parseJsonText(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString("utf8"));
  } catch {
    // V8's message quotes the body, which may hold secrets.
    throw new GatewayError("invalid_json", "The request body is not valid JSON.");
  }
}

/** Parses a whole body, after a look at what would make that costly. Throws GatewayError `invalid_json`. */
export function parseBoundedJson(body: Buffer): unknown {
  if (isNestedDeeper(body, MAX_DEPTH)) {
    throw new GatewayError("invalid_json", `The request body is nested deeper than ${MAX_DEPTH} levels.`);
  }
  if (hasMoreFields(body, MAX_FIELDS)) {
    throw new GatewayError("invalid_json", `The request body has more than ${MAX_FIELDS} fields.`);
  }
  if (!isUtf8(body)) throw new GatewayError("invalid_json", "The request body is not valid UTF-8.");
  return parseJsonText(body);
}

/**
 * Parses a request body and checks it against a schema. Throws GatewayError 400: `invalid_json` where it is no UTF-8
 * or no JSON, otherwise as {@link toRequestError}.
 */
export function parseJson<Schema extends z.ZodType>(body: Buffer, schema: Schema): z.output<Schema> {
  const value = parseBoundedJson(body);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw toRequestError(parsed.error, value);
  return parsed.data;
}

/** Reads and parses the body of a request. Throws GatewayError 400, or 413 over `limitBytes`. */
export async function readJson<Schema extends z.ZodType>(
  context: HttpContext,
  schema: Schema,
  limitBytes: number,
): Promise<z.output<Schema>> {
  return parseJson(await readBody(context.request, { limitBytes, signal: context.signal }), schema);
}
