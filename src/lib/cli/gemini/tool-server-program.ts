import type { ListedTool } from "./client-tools.ts";

/**
 * The source of a small MCP server on stdin and stdout (modelcontextprotocol.io, stdio) that lists tools and runs none: the
 * CLI's policy denies every call before it comes here, and one that came would get an empty answer. It is written into the
 * run's folder, since this code may be part of a bundle, and is run by Node itself.
 */
export function renderToolServer(tools: readonly ListedTool[]): string {
  return `import { createInterface } from "node:readline";
const tools = JSON.parse(${JSON.stringify(JSON.stringify(tools))});
const answer = (id, rest) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...rest }) + "\\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  if (method === "initialize") {
    const serverInfo = { name: "client", version: "1.0.0" };
    answer(id, { result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") answer(id, { result: { tools } });
  else if (method === "tools/call") answer(id, { result: { content: [] } });
  else if (method === "ping") answer(id, { result: {} });
  else answer(id, { error: { code: -32601, message: "not supported" } });
}
`;
}
