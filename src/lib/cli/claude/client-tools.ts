import { GatewayError } from "../../http/errors.ts";
import { isFields, type Fields } from "../../openai/fields.ts";
import type { ClaudeContentBlock, ClaudeMessage, ClaudeTool } from "../../providers/claude/types.ts";

/** The MCP server, offered to the CLI over its own stdin and stdout, that has the client's tools and nothing else. */
export const TOOL_SERVER = "client";
const PREFIX = `mcp__${TOOL_SERVER}__`;
/** The longest name of a tool at the Messages API, in characters. */
const MAX_NAME_LENGTH = 128;
/** What the CLI leaves of a description (2.1.197; newer ones leave twice that), in characters. */
const MAX_DESCRIPTION_LENGTH = 2048;
const CONTINUED = " (continued in the description of the input schema)";
/** The CLI moves these out of a schema's root and into the description. */
const MOVED_KEYWORDS = ["oneOf", "anyOf", "allOf"] as const;

/** One tool as an MCP server lists it (modelcontextprotocol.io, Tools). */
export interface ListedTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** The client's tools under the names that the CLI gives them. */
export interface ClientTools {
  readonly listed: readonly ListedTool[];
  /** Names under which the model sees them: what the CLI must offer, and all that it may. */
  readonly offered: ReadonlySet<string>;
  /** A name of the client's as the model sees it; one that is not among the tools stays as it is. */
  toOffered(name: string): string;
  /** A name that the model called, as the client gave it; `undefined` for one that is not among the tools. */
  toClient(offeredName: string): string | undefined;
}

/**
 * Checks that the CLI hands these tools to the model as they are, and names them. The CLI puts the server's name before
 * each, replaces characters by `_`, cuts descriptions, rewrites alternatives at a schema's root, and drops all tools of a
 * server because of one whose schema is no object's: names are mapped there and back, the rest of a long description goes
 * into the schema, and the others are refused.
 *
 * @throws GatewayError 400 for names that stand there twice; with `failover`, since the API can, for schemas and names that the CLI cannot carry
 */
export function createClientTools(tools: readonly ClaudeTool[]): ClientTools {
  const toOffered = new Map<string, string>();
  const toClient = new Map<string, string>();
  const listed = tools.map((tool) => {
    if (toOffered.has(tool.name)) throw repeatedName(tool.name);
    const name = freeName(tool.name, toClient);
    toOffered.set(tool.name, PREFIX + name);
    toClient.set(PREFIX + name, tool.name);
    return listTool(tool, name);
  });
  return {
    listed,
    offered: new Set(toClient.keys()),
    toOffered: (name) => toOffered.get(name) ?? name,
    toClient: (offeredName) => toClient.get(offeredName),
  };
}

/** A conversation whose tool calls have the names that the model sees. */
export function renameToolCalls(
  messages: readonly ClaudeMessage[],
  tools: Pick<ClientTools, "toOffered">,
): ClaudeMessage[] {
  const rename = (block: ClaudeContentBlock): ClaudeContentBlock =>
    block.type === "tool_use" ? { ...block, name: tools.toOffered(block.name) } : block;
  return messages.map(({ role, content }) => ({ role, content: content.map(rename) }));
}

/** A `tool_choice` of the Messages API with the name that the model sees. */
export function renameToolChoice(choice: Fields, tools: Pick<ClientTools, "toOffered">): Fields {
  return typeof choice["name"] === "string" ? { ...choice, name: tools.toOffered(choice["name"]) } : choice;
}

/** A name that the CLI leaves as it is and that no other tool has. */
function freeName(clientName: string, taken: ReadonlyMap<string, string>): string {
  const plain = clientName.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  let name = plain;
  for (let count = 2; taken.has(PREFIX + name); count += 1) name = `${plain}_${count}`;
  if (name === "" || PREFIX.length + name.length > MAX_NAME_LENGTH) {
    throw cannotCarry(`The name of the tool '${clientName.slice(0, 64)}' is too long or empty`);
  }
  return name;
}

function listTool({ name: clientName, description = "", input_schema: schema }: ClaudeTool, name: string): ListedTool {
  if (schema["type"] !== "object") throw cannotCarry(`The parameters of the tool '${clientName}' are no object`);
  const moved = MOVED_KEYWORDS.find((keyword) => keyword in schema);
  if (moved !== undefined)
    throw cannotCarry(`The parameters of the tool '${clientName}' have '${moved}' at their root`);
  if (description.length <= MAX_DESCRIPTION_LENGTH) {
    return { name, ...(description === "" ? {} : { description }), inputSchema: schema };
  }
  const cut = findCut(description, MAX_DESCRIPTION_LENGTH - CONTINUED.length);
  const own = typeof schema["description"] === "string" ? `\n${schema["description"]}` : "";
  return {
    name,
    description: description.slice(0, cut) + CONTINUED,
    inputSchema: { ...schema, description: description.slice(cut) + own },
  };
}

/** Where a text of more than `limit` characters is best cut: behind its last white space, and never within a character. */
function findCut(text: string, limit: number): number {
  const words = /^.*\s/su.exec(text.slice(0, limit))?.[0].length ?? 0;
  if (words > limit / 2) return words;
  return /[\ud800-\udbff]/.test(text.charAt(limit - 1)) ? limit - 1 : limit;
}

function repeatedName(name: string): GatewayError {
  return new GatewayError("invalid_value", `'tools' has the name '${name}' twice.`, { param: "tools" });
}

function cannotCarry(what: string): GatewayError {
  return new GatewayError("unsupported_parameter", `${what}, which the CLI cannot carry.`, {
    param: "tools",
    failover: true,
  });
}

/** What the CLI says of tools at the start of a turn, held against what it was given. */
export function describeOfferFault(
  init: { readonly tools: readonly unknown[]; readonly mcp_servers: readonly unknown[] },
  tools: ClientTools | undefined,
): string | undefined {
  const expected = tools?.offered ?? new Set<string>();
  if (init.tools.some((name) => typeof name !== "string" || !expected.has(name))) {
    return "The CLI offered the model tools of its own";
  }
  const isOurs = (server: unknown): boolean =>
    tools !== undefined && isFields(server) && server["name"] === TOOL_SERVER;
  if (init.mcp_servers.some((server) => !isOurs(server))) return "The CLI connected to MCP servers of its own";
  if (init.tools.length < expected.size) return "The CLI did not offer the model all tools";
  return undefined;
}
