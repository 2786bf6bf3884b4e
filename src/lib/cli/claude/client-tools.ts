import { GatewayError } from "../../http/errors.ts";
import { isFields, type Fields } from "../../openai/fields.ts";
import { toCarriedSchema } from "./carried-schema.ts";
import type { ClaudeContentBlock, ClaudeMessage, ClaudeTool } from "../../providers/claude/types.ts";

/** The MCP server, offered to the CLI over its own stdin and stdout, that has the client's tools and nothing else. */
export const TOOL_SERVER = "client";
const PREFIX = `mcp__${TOOL_SERVER}__`;
/** The longest name of a tool at the Messages API, in characters. */
const MAX_NAME_LENGTH = 128;
/** What the CLI leaves of a description (2.1.197; newer ones leave twice that), in characters. */
const MAX_DESCRIPTION_LENGTH = 2048;
const CONTINUED = " (continued in the description of the input schema)";

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
 * Checks that the CLI hands these tools to the model as they are, if in another order, and names them. The CLI puts the server's name before
 * each, replaces characters by `_`, cuts descriptions, rewrites alternatives at a schema's root, and drops all tools of a
 * server because of one whose schema is no object's: names are mapped there and back, the rest of a long description goes
 * into the schema, and the others are refused.
 *
 * @throws GatewayError 400 for names that stand there twice; with `failover`, since the API can, for schemas and names that the CLI cannot carry
 */
export function createClientTools(tools: readonly ClaudeTool[]): ClientTools {
  const toOffered = new Map<string, string>();
  const toClient = new Map<string, string>();
  const nameOf = createNames();
  const listed = tools.map((tool) => {
    if (toOffered.has(tool.name)) throw repeatedName(tool.name);
    const name = nameOf(tool.name);
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

/** Gives names that the CLI leaves as they are, each one once. */
function createNames(): (clientName: string) => string {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  return (clientName) => {
    const plain = clientName.replaceAll(/[^A-Za-z0-9_-]/g, "_");
    let name = plain;
    // Where the last one of this name ended: counting from the start each time would cost the square of their number.
    let count = counts.get(plain) ?? 1;
    for (; taken.has(name); name = `${plain}_${count}`) count += 1;
    counts.set(plain, count);
    taken.add(name);
    if (name === "" || PREFIX.length + name.length > MAX_NAME_LENGTH) {
      throw cannotCarry(`The name of the tool '${clientName.slice(0, 64)}' is too long or empty`);
    }
    return name;
  };
}

function listTool({ name: clientName, description = "", input_schema: schema }: ClaudeTool, name: string): ListedTool {
  const inputSchema = toCarriedSchema(schema);
  if (typeof inputSchema === "string") throw cannotCarry(`The parameters of the tool '${clientName}' ${inputSchema}`);
  if (description.length <= MAX_DESCRIPTION_LENGTH) {
    return { name, ...(description === "" ? {} : { description }), inputSchema };
  }
  const cut = findCut(description, MAX_DESCRIPTION_LENGTH - CONTINUED.length);
  const own = typeof inputSchema["description"] === "string" ? `\n${inputSchema["description"]}` : "";
  return {
    name,
    description: description.slice(0, cut) + CONTINUED,
    inputSchema: { ...inputSchema, description: description.slice(cut) + own },
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

/** What is wrong with the tools that the CLI says at the start of a turn it offers, held against what it was given. */
export function findOfferFault(
  init: { readonly tools: readonly unknown[]; readonly mcp_servers: readonly unknown[] },
  tools: ClientTools | undefined,
): GatewayError | undefined {
  const expected = tools?.offered ?? new Set<string>();
  if (init.tools.some((name) => typeof name !== "string" || !expected.has(name))) {
    return unexpectedTool("The CLI offered the model tools of its own");
  }
  const isOurs = (server: unknown): boolean =>
    tools !== undefined && isFields(server) && server["name"] === TOOL_SERVER;
  if (init.mcp_servers.some((server) => !isOurs(server))) {
    return unexpectedTool("The CLI connected to MCP servers of its own");
  }
  if (new Set(init.tools).size < expected.size) return cannotCarry("There is a tool among them");
  return undefined;
}

export function unexpectedTool(what: string): GatewayError {
  return new GatewayError("cli_unexpected_tool", `${what}. The CLI was ended.`);
}
