import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLAUDE_VERSIONS } from "../../scripts/fetch-claude.ts";
import type { ChatRequest } from "../../src/lib/openai/chat.ts";
import { programOf, startRealClaude, type RealClaude, type SentBody } from "./harness.ts";

/** Process ids of a program in the folders of an executor. */
function processesOf({ program, home }: RealClaude): string[] {
  const listing = execFileSync("ps", ["-eo", "pid=,args=", "e"], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return listing
    .split("\n")
    .filter((line) => line.includes(program) && line.includes("stream-json") && line.includes(`HOME=${home}`))
    .map((line) => /^\s*(\d+)/.exec(line)?.[1] ?? "");
}

/** A body without what is new in every process: ids of session and device, and the date and folder the CLI tells of. */
function comparable(body: SentBody | undefined): unknown {
  const text = JSON.stringify({ ...body, metadata: undefined })
    .replaceAll(/codewise-cli-[^"\\]*/g, "FOLDER")
    .replaceAll(/cc_version=[^;]*/g, "VERSION");
  return JSON.parse(text) as unknown;
}

const tool = { type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } } as const;
const REQUESTS: readonly (readonly [what: string, request: Partial<ChatRequest>])[] = [
  ["a plain one", {}],
  [
    "a system prompt",
    {
      messages: [
        { role: "system", content: "MARK" },
        { role: "user", content: "hi" },
      ],
    },
  ],
  ["sampling, stops and a limit", { temperature: 0.3, stop: ["END"], max_tokens: 2000 }],
  ["an effort", { reasoning_effort: "low" }],
  ["tools and a choice", { tools: [tool], tool_choice: "required" }],
  ["a schema", { response_format: { type: "json_schema", json_schema: { schema: { type: "object" } } } }],
  [
    "earlier turns",
    {
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
        { role: "user", content: "c" },
      ],
    },
  ],
];

describe.each(CLAUDE_VERSIONS)("spare processes of claude %s", (version) => {
  const program = programOf(version);
  let cold: RealClaude;
  let warm: RealClaude;

  beforeEach(async () => {
    cold = await startRealClaude(program ?? "");
    warm = await startRealClaude(program ?? "", "sk-fake", { spares: 1 });
  });
  afterEach(async () => {
    await cold.close();
    await warm.close();
  });

  it.skipIf(program === undefined)(
    "send upstream what a new process sends, and nothing of the request before",
    async () => {
      await warm.ask({
        messages: [
          { role: "system", content: "EARLIER" },
          { role: "user", content: "EARLIER" },
        ],
      });
      for (const [what, request] of REQUESTS) {
        await expect.poll(() => processesOf(warm), { timeout: 20_000 }).toHaveLength(1);
        const [spare] = processesOf(warm);
        await cold.ask(request);
        const before = warm.bodies().length;
        await warm.ask(request);
        const sent = warm.bodies().slice(before);
        expect(sent).toHaveLength(1);
        // The process that waited has served it, and is gone.
        expect(processesOf(warm)).not.toContain(spare);
        expect([what, comparable(sent[0])]).toEqual([what, comparable(cold.bodies().at(-1))]);
        expect(JSON.stringify(sent[0])).not.toContain("EARLIER");
      }
      const sessions = warm.bodies().map((body) => JSON.stringify(body["metadata"]));
      expect(new Set(sessions).size).toBe(sessions.length);
      expect(warm.executor.running()).toBe(0);
    },
  );
});
