import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { isFields, type Fields } from "../../openai/fields.ts";

/** A tool of the client's as `thread/start` takes it. */
export interface DynamicTool {
  readonly type: "function";
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Fields;
}

export interface PreparedTools {
  readonly tools: readonly DynamicTool[];
  /** Names as the client gave them, by the names that the model sees. */
  readonly clientNames: ReadonlyMap<string, string>;
  readonly droppedParams: readonly string[];
}

/** The Responses API's form of a name, which the CLI insists on. */
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Names that the CLI refuses, or hides from the model without a word (0.169.0). */
const RESERVED_NAME = /^(mcp__.*|exec_command|shell_command)$/;
const OWN_PREFIX = "client_";

/** All that the CLI (0.169.0) leaves in a schema. */
const CARRIED_KEYWORDS: ReadonlySet<string> = new Set([
  "$defs",
  "$ref",
  "additionalProperties",
  "allOf",
  "anyOf",
  "definitions",
  "description",
  "enum",
  "items",
  "oneOf",
  "properties",
  "required",
  "title",
  "type",
]);
/** Keywords whose members are schemas under names of the client's. */
const NAMED_SCHEMAS: ReadonlySet<string> = new Set(["$defs", "definitions", "properties"]);
const VALUES: ReadonlySet<string> = new Set(["enum", "required", "description", "title", "type", "$ref"]);

/**
 * The client's tools for the CLI, which hands their calls to its host. With a `tool_choice` of `none` there are none.
 *
 * @throws GatewayError 400 with `param`; with `failover` for what the API can and the CLI cannot
 */
export function prepareTools(request: ChatRequest): PreparedTools {
  const choice = request.tool_choice ?? "auto";
  const given = request.tools ?? [];
  if (choice === "none" || given.length === 0) {
    return { tools: [], clientNames: new Map(), droppedParams: [] };
  }
  if (choice !== "auto") throw cannotCarry("tool_choice", "The CLI cannot make its model call a tool");
  const dropped = new Set<string>();
  const clientNames = new Map<string, string>();
  const tools = given.map((tool): DynamicTool => {
    if (tool.type !== "function" || !isFields(tool["function"])) {
      throw cannotCarry("tools", `The CLI cannot carry tools of the type '${tool.type.slice(0, 64)}'`);
    }
    const { name, description, parameters, strict } = tool["function"];
    if (typeof name !== "string" || !TOOL_NAME.test(name) || !TOOL_NAME.test(toOfferedName(name))) {
      throw cannotCarry("tools", `The CLI cannot carry the tool name '${String(name).slice(0, 64)}'`);
    }
    const offered = toOfferedName(name);
    if (clientNames.has(offered)) {
      throw new GatewayError("invalid_value", `'tools' has the name '${name}' twice.`, { param: "tools" });
    }
    clientNames.set(offered, name);
    const inputSchema = isFields(parameters) ? parameters : { type: "object", properties: {} };
    if (!isCarried(inputSchema)) dropped.add("tools[].function.parameters");
    if (strict === true) dropped.add("tools[].function.strict");
    const text = typeof description === "string" ? description : "";
    return { type: "function", name: offered, description: text, inputSchema };
  });
  return { tools, clientNames, droppedParams: [...dropped] };
}

/** The name of a tool as the model sees it. */
export function toOfferedName(name: string): string {
  return RESERVED_NAME.test(name) ? OWN_PREFIX + name : name;
}

/** Whether the CLI leaves a schema as it is. */
function isCarried(schema: unknown): boolean {
  if (!isFields(schema)) return true;
  return Object.entries(schema).every(([keyword, value]) => {
    if (!CARRIED_KEYWORDS.has(keyword)) return false;
    if (VALUES.has(keyword)) return true;
    if (NAMED_SCHEMAS.has(keyword)) return !isFields(value) || Object.values(value).every(isCarried);
    return Array.isArray(value) ? value.every(isCarried) : isCarried(value);
  });
}

export function cannotCarry(param: string, what: string): GatewayError {
  return new GatewayError("unsupported_parameter", `${what}.`, { param, failover: true });
}
