import { describe, expect, it } from "vitest";
import { createCompletionCollector } from "./collect-completion.ts";

const end = { id: "chatcmpl-1", created: 1_700_000_000, model: "claude-opus-5-5", finishReason: "stop" } as const;

describe("createCompletionCollector", () => {
  it("joins text, thinking and signature in order and carries usage", () => {
    const collector = createCompletionCollector();
    for (const delta of [
      { reasoning_content: "let " },
      { reasoning_content: "me see" },
      { reasoning_signature: "sig" },
      { content: "Hel" },
      { content: "lo" },
    ]) {
      expect(collector.delta(delta)).toBe(true);
    }
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    expect(collector.completion({ ...end, usage })).toEqual({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_700_000_000,
      model: "claude-opus-5-5",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: "Hello",
            refusal: null,
            reasoning_content: "let me see",
            reasoning_signature: "sig",
          },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage,
    });
  });

  it.each([
    ["a second signature", [{ reasoning_content: "a" }, { reasoning_signature: "s1" }, { reasoning_signature: "s2" }]],
    ["thinking after the signature", [{ reasoning_signature: "s1" }, { content: "x" }, { reasoning_content: "b" }]],
  ])("leaves the signature out where %s shows that it holds for a part of the thinking only", (_what, deltas) => {
    const collector = createCompletionCollector();
    for (const delta of deltas) collector.delta(delta);
    expect(collector.completion(end).choices[0]?.message).not.toHaveProperty("reasoning_signature");
  });

  it("keeps parallel tool calls apart, in index order, with null content", () => {
    const collector = createCompletionCollector();
    collector.delta({
      tool_calls: [{ index: 1, id: "b", type: "function", function: { name: "two", arguments: "" } }],
    });
    collector.delta({
      tool_calls: [{ index: 0, id: "a", type: "function", function: { name: "one", arguments: "{" } }],
    });
    collector.delta({ tool_calls: [{ index: 0, function: { arguments: "}" } }] });
    collector.delta({ tool_calls: [{ index: 1, function: { arguments: "{}" } }] });
    const choice = collector.completion({ ...end, finishReason: "tool_calls" }).choices[0];
    expect(choice?.message.content).toBeNull();
    expect(choice?.message.tool_calls).toEqual([
      { id: "a", type: "function", function: { name: "one", arguments: "{}" } },
      { id: "b", type: "function", function: { name: "two", arguments: "{}" } },
    ]);
  });

  it("leaves usage out when it is unknown and gives an empty answer as empty text", () => {
    const completion = createCompletionCollector().completion(end);
    expect(completion.choices[0]?.message.content).toBe("");
    expect("usage" in completion).toBe(false);
  });
});
