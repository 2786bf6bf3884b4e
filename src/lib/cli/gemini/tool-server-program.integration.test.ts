import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { renderToolServer } from "./tool-server-program.ts";

it("lists tools exactly as they were given, whatever their names and texts are, and runs none", async () => {
  const schema: unknown = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"a`${1}":{}}}');
  const tools = [{ name: "f", description: 'a "quoted" \u2028 </script> \\ text', inputSchema: schema as object }];
  const folder = await mkdtemp(join(tmpdir(), "tool-server-"));
  try {
    const program = join(folder, "tools.mjs");
    await writeFile(program, renderToolServer(tools as never));
    const stdout = await new Promise<string>((resolve, reject) => {
      const child = execFile(process.execPath, [program], (error, text) => (error ? reject(error) : resolve(text)));
      const ask = (id: number, method: string, params: object) =>
        child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
      ask(1, "initialize", { protocolVersion: "2025-06-18" });
      ask(2, "tools/list", {});
      ask(3, "tools/call", { name: "f", arguments: {} });
      child.stdin?.end();
    });
    const [, listed, called] = stdout
      .trim()
      .split("\n")
      .map((line) => line.slice(line.indexOf('"result"')));
    expect(listed).toBe(`"result":{"tools":${JSON.stringify(tools)}}}`);
    expect(called).toBe('"result":{"content":[]}}');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
