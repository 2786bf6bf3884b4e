import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import type { Fields } from "../../openai/fields.ts";
import { namesVariable } from "./expanded-text.ts";
import { chooseTools, type ClientTools } from "./client-tools.ts";
import { translateConfig } from "./generation-config.ts";
import { splitConversation, type SplitConversation } from "./session-file.ts";
import { translateMessages } from "./translate-messages.ts";

/** One request in the terms of the CLI. */
export interface PreparedRequest extends SplitConversation {
  /** As the CLI's `session/set_model` takes it. */
  readonly model: string;
  readonly systemPrompt: string;
  /** The client's tools; `undefined` where it has none. */
  readonly tools: ClientTools | undefined;
  /** What the CLI's settings add to `GenerateContentConfig`. */
  readonly generationConfig: Fields;
  readonly droppedParams: readonly string[];
}

/** An id, an alias, or a path as gateways write them; never a flag. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,199}$/;
/** The name under which the CLI's own choice is offered, and the CLI's word for it. */
const DEFAULT_MODEL = "gemini";
const AUTOMATIC = "auto";

/** The CLI always sends a system instruction, and the API refuses empty texts. */
const LEAST_SYSTEM_PROMPT = "You are a helpful assistant.";

/** The CLI would put something of its own in the place of these. */
const PLACEHOLDER = /\$\{(?:AgentSkills|SubAgents|AvailableTools|\w+_ToolName)\}/;

/**
 * Checks that the CLI can carry a chat request and translates it. What it cannot carry but another provider can is
 * refused with `failover`; what no answer depends on is named as dropped.
 *
 * The CLI trims the system prompt, and makes one empty line of several.
 *
 * @throws GatewayError 400 with `param`
 */
export function prepareRequest(request: ChatRequest, model: string): PreparedRequest {
  if (!MODEL_NAME.test(model)) {
    throw new GatewayError("unsupported_value", "The model's name has a form that the CLI does not take.", {
      param: "model",
    });
  }
  const { tools, toolConfig } = chooseTools(request);
  const { systemPrompt, contents } = translateMessages(request.messages, (name) => tools?.toOffered(name) ?? name);
  if (PLACEHOLDER.test(systemPrompt)) {
    const problem = "The system prompt has a placeholder that the CLI would replace.";
    throw new GatewayError("unsupported_parameter", problem, { param: "messages", failover: true });
  }
  const { config, droppedParams } = translateConfig(request, model);
  refuseVariables(config);
  const hasSerial = tools !== undefined && request.parallel_tool_calls === false;
  return {
    ...splitConversation(contents),
    model: model === DEFAULT_MODEL ? AUTOMATIC : model,
    systemPrompt: systemPrompt.trim() === "" ? LEAST_SYSTEM_PROMPT : systemPrompt,
    tools,
    generationConfig: toolConfig === undefined ? config : { ...config, toolConfig },
    droppedParams: [...droppedParams, ...(hasSerial ? ["parallel_tool_calls"] : [])],
  };
}

/** The parameters stand in the CLI's settings, where it would put the owner's variables into them. */
function refuseVariables(config: Fields): void {
  const param = namesVariable(config["stopSequences"]) ? "stop" : "response_format";
  if (!namesVariable(config)) return;
  const problem = "The CLI takes no stop sequence or schema with a text such as '$NAME' in it.";
  throw new GatewayError("unsupported_parameter", problem, { param, failover: true });
}
