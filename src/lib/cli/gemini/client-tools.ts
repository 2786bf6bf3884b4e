import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest, ChatTool } from "../../openai/chat.ts";
import { isFields, type Fields } from "../../openai/fields.ts";

/** The MCP server that has the client's tools and nothing else. */
export const TOOL_SERVER = "client";
const PREFIX = `mcp_${TOOL_SERVER}_`;
/** A longer name is cut by the CLI in its middle, in characters. */
const MAX_NAME_LENGTH = 63;
/** A parameter that the CLI adds to every tool of an MCP server. */
const ADDED_PARAMETER = "wait_for_previous";

/** One tool as an MCP server lists it (modelcontextprotocol.io, Tools). */
export interface ListedTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: Fields;
}

/** The client's tools under the names that the CLI gives them. */
export interface ClientTools {
  readonly listed: readonly ListedTool[];
  /** A name of the client's as the model sees it; one that is not among the tools stays as it is. */
  toOffered(name: string): string;
  /** A call as the client's: `undefined` for a tool that is not among its own. */
  toClient(offeredName: string, args: Fields): { readonly name: string; readonly arguments: string } | undefined;
}

/**
 * The tools that the choice leaves, under names that the CLI hands on unchanged behind its prefix.
 *
 * @throws GatewayError 400; with `failover` for names and schemas that the CLI cannot carry
 */
export function createClientTools(tools: readonly ChatTool[]): ClientTools {
  const offered = new Map<string, string>();
  const clients = new Map<string, string>();
  const listed = tools.map((tool, index): ListedTool => {
    const path = `tools[${index}]`;
    const named = tool["function"];
    if (tool.type !== "function" || !isFields(named) || typeof named["name"] !== "string") {
      throw new GatewayError("unsupported_value", "Only tools of type 'function' are supported.", {
        param: `${path}.type`,
      });
    }
    const { name, description, parameters } = named;
    if (clients.has(PREFIX + name)) {
      throw new GatewayError("invalid_value", `The tool '${name}' is there twice.`, { param: `${path}.function.name` });
    }
    if (!/^[A-Za-z0-9_-]+$/.test(name) || PREFIX.length + name.length > MAX_NAME_LENGTH) {
      const problem = `The tool's name '${name.slice(0, 64)}' is too long for the CLI or has characters that it changes.`;
      throw new GatewayError("unsupported_parameter", problem, { param: `${path}.function.name`, failover: true });
    }
    offered.set(name, PREFIX + name);
    clients.set(PREFIX + name, name);
    return {
      name,
      ...(typeof description === "string" && description !== "" ? { description } : {}),
      inputSchema: checkSchema(isFields(parameters) ? parameters : {}, `${path}.function.parameters`),
    };
  });
  return {
    listed,
    toOffered: (name) => offered.get(name) ?? name,
    toClient(offeredName, args) {
      const name = clients.get(offeredName);
      if (name === undefined) return undefined;
      const own = Object.fromEntries(Object.entries(args).filter(([key]) => key !== ADDED_PARAMETER));
      return { name, arguments: JSON.stringify(own) };
    },
  };
}

/** The CLI's MCP client drops a server's whole list for one schema that is no object's. */
function checkSchema(schema: Fields, param: string): Fields {
  const whole: Fields = { type: "object", ...schema };
  const properties = whole["properties"];
  const required = whole["required"];
  const isCarried =
    whole["type"] === "object" &&
    (properties === undefined || (isFields(properties) && Object.values(properties).every(isFields))) &&
    (required === undefined || (Array.isArray(required) && required.every((name) => typeof name === "string")));
  if (isCarried && !(isFields(properties) && ADDED_PARAMETER in properties)) return whole;
  const problem = `The CLI takes object schemas only, whose properties are schemas in the form of objects and none of them '${ADDED_PARAMETER}'.`;
  throw new GatewayError("unsupported_parameter", problem, { param, failover: true });
}

export interface ChosenTools {
  /** `undefined` where the model gets none. */
  readonly tools: ClientTools | undefined;
  /** `toolConfig` of `GenerateContentConfig`; `undefined` for the default. */
  readonly toolConfig: Fields | undefined;
}

/**
 * `tools` and `tool_choice` of a chat request.
 *
 * @throws GatewayError 400 with `param`
 */
export function chooseTools(request: ChatRequest): ChosenTools {
  const all = request.tools ?? [];
  const choice = readChoice(request.tool_choice);
  const nameOf = (tool: ChatTool): unknown => (isFields(tool["function"]) ? tool["function"]["name"] : undefined);
  const missing = choice.names?.find((name) => !all.some((tool) => nameOf(tool) === name));
  if (missing !== undefined) throw choiceError(`names the tool '${missing}', which is not in 'tools'`);
  const chosen = choice.names === undefined ? all : all.filter((tool) => choice.names?.includes(String(nameOf(tool))));
  // With a choice of none the earlier calls of the conversation still need their tools' names.
  if (all.length === 0) {
    if (choice.mode === "ANY") throw choiceError("asks for a tool call, but there are no tools");
    return { tools: undefined, toolConfig: undefined };
  }
  const tools = createClientTools(chosen);
  return {
    tools,
    toolConfig: choice.mode === undefined ? undefined : { functionCallingConfig: { mode: choice.mode } },
  };
}

interface Choice {
  readonly mode: "NONE" | "ANY" | undefined;
  /** The only tools to offer. */
  readonly names?: readonly string[];
}

function readChoice(choice: ChatRequest["tool_choice"]): Choice {
  if (choice === undefined || choice === null || choice === "auto") return { mode: undefined };
  if (choice === "none") return { mode: "NONE" };
  if (choice === "required") return { mode: "ANY" };
  if (choice.type === "function") return { mode: "ANY", names: [readName(choice)] };
  const allowed = choice["allowed_tools"];
  if (choice.type === "allowed_tools" && isFields(allowed) && Array.isArray(allowed["tools"])) {
    return { mode: allowed["mode"] === "required" ? "ANY" : undefined, names: allowed["tools"].map(readName) };
  }
  throw choiceError("has a type that is not supported or lacks what it needs");
}

function readName(choice: unknown): string {
  const named = isFields(choice) ? choice["function"] : undefined;
  if (isFields(named) && typeof named["name"] === "string") return named["name"];
  throw choiceError("names no function");
}

function choiceError(what: string): GatewayError {
  return new GatewayError("invalid_value", `'tool_choice' ${what}.`, { param: "tool_choice" });
}
