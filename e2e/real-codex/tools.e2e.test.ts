import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChatMessage } from "../../src/lib/openai/chat.ts";
import { respond, type CannedCall } from "../../src/test/fake-responses-server.ts";
import { codexProgram, conversationOf, startRealCodex, toolsOf, type Answer, type RealCodex } from "./harness.ts";

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tool = (name: string) => ({ type: "function" as const, function: { name, description: `${name}!`, parameters } });
const tools = [tool("get_weather"), tool("exec_command")];
const call = (id: string, name = "get_weather", text = '{"city": "Bern"}'): CannedCall => ({
  id,
  name,
  arguments: text,
});
const callsOf = (answer: Answer) =>
  answer.deltas.flatMap(({ tool_calls: calls }) =>
    (calls ?? []).map(({ index, id, function: called }) => [index, id, called?.name, called?.arguments]),
  );

describe.skipIf(codexProgram() === undefined).each(["codex", "gpt-5.5"])(
  "the client's tools with codex, model %s",
  (model) => {
    let codex: RealCodex;
    beforeEach(async () => {
      codex = await startRealCodex();
    });
    afterEach(() => codex.close());

    it("are offered as they are and alone, and their calls handed over all together", async () => {
      const pieces = ["Let me", " look."];
      codex.reply(respond({ pieces, calls: [call("c1"), call("c2", "client_exec_command"), call("c3")] }));
      const answer = await codex.ask({ model, tools });
      expect(toolsOf(codex.bodies()[0])).toEqual(
        tools.map(({ function: { name, description } }) => ({
          type: "function",
          // The CLI has a tool of that name and hides the client's.
          name: name.replace("exec_command", "client_exec_command"),
          description,
          strict: false,
          parameters,
        })),
      );
      expect(answer.text).toBe("Let me look.");
      expect(callsOf(answer)).toEqual([
        [0, "c1", "get_weather", '{"city": "Bern"}'],
        [1, "c2", "exec_command", '{"city": "Bern"}'],
        [2, "c3", "get_weather", '{"city": "Bern"}'],
      ]);
      expect(answer.outcome).toMatchObject({ finishReason: "tool_calls", usage: { total_tokens: 1242 } });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(codex.upstream.requests).toHaveLength(1);
    });

    it("are called in several rounds, whose results stand where they belong", async () => {
      const messages: ChatMessage[] = [{ role: "user", content: "weather?" }];
      const expected: unknown[] = [
        { type: "message", role: "user", content: [{ type: "input_text", text: "weather?" }] },
      ];
      for (const round of [1, 2]) {
        const ids = [`c${round}a`, `c${round}b`];
        codex.reply(respond({ calls: ids.map((id) => call(id)) }));
        const answer = await codex.ask({ model, tools, messages });
        const called = callsOf(answer).map(([, id, name, text]) => ({
          id: String(id),
          type: "function" as const,
          function: { name: String(name), arguments: String(text) },
        }));
        expect(called.map(({ id }) => id)).toEqual(ids);
        messages.push({ role: "assistant", content: null, tool_calls: called });
        for (const id of ids) messages.push({ role: "tool", tool_call_id: id, content: `sunny ${id}` });
        const names = { name: "get_weather", arguments: '{"city": "Bern"}' };
        expected.push(
          ...ids.map((id) => ({ type: "function_call", call_id: id, ...names })),
          ...ids.map((id) => ({ type: "function_call_output", call_id: id, output: `sunny ${id}` })),
        );
      }
      codex.reply(respond({ pieces: ["Sunny."] }));
      const answer = await codex.ask({ model, tools, messages });
      expect(answer.text).toBe("Sunny.");
      expect(answer.outcome.finishReason).toBe("stop");
      expect(conversationOf(codex.bodies().at(-1))).toEqual(expected);
      expect(codex.upstream.requests).toHaveLength(3);
    });

    it("are called once an answer where the client wants it so", async () => {
      codex.reply(respond({ calls: [call("c1"), call("c2")] }));
      const answer = await codex.ask({ model, tools, parallel_tool_calls: false });
      expect(callsOf(answer)).toEqual([[0, "c1", "get_weather", '{"city": "Bern"}']]);
      expect(answer.outcome.finishReason).toBe("tool_calls");
    });

    it("are called with the model's arguments, even where these are no JSON", async () => {
      codex.reply(respond({ calls: [call("c1", "get_weather", '{"city": ')] }));
      const answer = await codex.ask({ model, tools });
      expect(callsOf(answer)).toEqual([[0, "c1", "get_weather", '{"city": ']]);
      expect(answer.outcome.finishReason).toBe("tool_calls");
    });

    it("are not offered with a tool choice of none", async () => {
      await codex.ask({ model, tools, tool_choice: "none" });
      expect(toolsOf(codex.bodies()[0])).toEqual([]);
    });

    it("are waited for to the end of the response, though the CLI asks for them before it", async () => {
      const reply = respond({ calls: [call("c1"), call("c2")] });
      if (!("steps" in reply)) throw new Error("no steps");
      // Between the two calls.
      codex.reply({ steps: [...reply.steps.slice(0, 5), { delayMs: 400 }, ...reply.steps.slice(5)] });
      const answer = await codex.ask({ model, tools });
      expect(callsOf(answer)).toHaveLength(2);
    });
  },
);
