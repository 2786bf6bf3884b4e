import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest, ChatTool } from "../../openai/chat.ts";
import { isFields } from "../../openai/fields.ts";
import type { ClaudeTool } from "./types.ts";

export interface TranslatedTools {
  readonly tools: readonly ClaudeTool[];
  /** `tool_choice` of the Messages API; absent where the default serves. */
  readonly toolChoice?: Record<string, unknown>;
  /** Whether the model must call a tool. */
  readonly forced: boolean;
}

type FunctionTool = Extract<ChatTool, { type: "function"; function: unknown }>;

/**
 * `tools`, `tool_choice` and `parallel_tool_calls` as the Messages API has them (platform.claude.com/docs, Tool use).
 * `allowed_tools` is honoured by offering only those tools.
 *
 * @throws GatewayError 400 for tools other than functions and for a choice that cannot be met.
 */
export function translateTools(request: ChatRequest): TranslatedTools {
  const offered = (request.tools ?? []).map((tool, index) => translateTool(tool, `tools[${index}]`));
  const choice = readToolChoice(request.tool_choice);
  const tools = choice.allowed === undefined ? offered : offered.filter((tool) => choice.allowed?.has(tool.name));
  const missing = choice.names.find((name) => !offered.some((tool) => tool.name === name));
  if (missing !== undefined) throw choiceError(`names the tool '${missing}', which is not in 'tools'`);
  if (tools.length === 0) {
    if (choice.mode === "any") throw choiceError("asks for a tool call, but there are no tools");
    return { tools, forced: false };
  }
  const forced = choice.mode === "any" || choice.mode === "tool";
  const single = request.parallel_tool_calls === false && choice.mode !== "none";
  if (choice.mode === "auto" && !single) return { tools, forced };
  return {
    tools,
    forced,
    toolChoice: {
      type: choice.mode,
      ...(choice.mode === "tool" ? { name: choice.names[0] } : {}),
      ...(single ? { disable_parallel_tool_use: true } : {}),
    },
  };
}

function translateTool(tool: ChatTool, path: string): ClaudeTool {
  if (!isFunctionTool(tool)) {
    throw new GatewayError("unsupported_value", `Tools of type '${tool.type}' are not supported by this model.`, {
      param: `${path}.type`,
    });
  }
  const { name, description, parameters } = tool.function;
  return {
    name,
    ...(typeof description === "string" && description !== "" ? { description } : {}),
    // Anthropic wants `type: "object"` at the root, which OpenAI lets clients leave out.
    input_schema: { type: "object", ...(parameters ?? { properties: {} }) },
  };
}

function isFunctionTool(tool: ChatTool): tool is FunctionTool {
  return tool.type === "function" && isFields(tool["function"]) && typeof tool["function"]["name"] === "string";
}

interface ToolChoice {
  readonly mode: "none" | "auto" | "any" | "tool";
  /** The tools that the choice names. */
  readonly names: readonly string[];
  readonly allowed?: ReadonlySet<string>;
}

function readToolChoice(choice: ChatRequest["tool_choice"]): ToolChoice {
  if (choice === undefined || choice === null || choice === "auto") return { mode: "auto", names: [] };
  if (choice === "none") return { mode: "none", names: [] };
  if (choice === "required") return { mode: "any", names: [] };
  if (choice.type === "function") return { mode: "tool", names: [readFunctionName(choice)] };
  if (choice.type === "allowed_tools") return readAllowedTools(choice["allowed_tools"]);
  throw new GatewayError(
    "unsupported_value",
    `A tool choice of type '${choice.type}' is not supported by this model.`,
    {
      param: "tool_choice.type",
    },
  );
}

function readFunctionName(choice: unknown): string {
  const named = isFields(choice) ? choice["function"] : undefined;
  if (isFields(named) && typeof named["name"] === "string") return named["name"];
  throw choiceError("names no function");
}

function readAllowedTools(allowedTools: unknown): ToolChoice {
  if (!isFields(allowedTools) || !Array.isArray(allowedTools["tools"]))
    throw choiceError("has no list of allowed tools");
  const names = allowedTools["tools"].map(readFunctionName);
  return { mode: allowedTools["mode"] === "required" ? "any" : "auto", names, allowed: new Set(names) };
}

function choiceError(what: string): GatewayError {
  return new GatewayError("invalid_value", `'tool_choice' ${what}.`, { param: "tool_choice" });
}
