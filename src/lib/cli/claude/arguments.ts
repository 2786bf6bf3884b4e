import { TOOL_SERVER } from "./client-tools.ts";

export interface ArgumentOptions {
  /** Checked by `prepareRequest`: never begins with `-`. */
  readonly model: string;
  readonly effort: string | undefined;
  /** Absolute path of a session file. */
  readonly resumePath: string | undefined;
}

/**
 * The CLI's arguments for a pure model: NDJSON both ways with the API's own events, no tools but the client's, no MCP
 * servers, no settings of the user or project, no saved session. Arguments can be read by every user of the machine, so no text of the client
 * is among them: the empty system prompt only keeps the CLI's own out, the client's goes over stdin.
 */
export function buildArguments(options: ArgumentOptions): readonly string[] {
  return [
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--tools",
    "",
    // Stops `@path` in a text from being read, beside the two variables of the environment.
    "--disallowedTools",
    "Read(//**)",
    "--system-prompt",
    "",
    "--setting-sources",
    "",
    "--strict-mcp-config",
    "--no-session-persistence",
    "--disable-slash-commands",
    "--model",
    options.model,
    // Without it the CLI would answer the calls of the client's tools itself, for want of a permission.
    "--allowedTools",
    `mcp__${TOOL_SERVER}`,
    ...(options.effort === undefined ? [] : ["--effort", options.effort]),
    ...(options.resumePath === undefined ? [] : ["--resume", options.resumePath]),
  ];
}
