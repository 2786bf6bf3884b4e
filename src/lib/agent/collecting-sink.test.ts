import { expect, test } from "vitest";
import { createCollectingSink } from "./collecting-sink.ts";

test("an answer within the bound is gathered whole, and one over it is refused", () => {
  const { sink, collector } = createCollectingSink(3 * 64 + 9);
  expect(sink.delta({ content: "1234" })).toBe(true);
  expect(sink.delta({ reasoning_content: "123" })).toBe(true);
  const end = { id: "chatcmpl-1", created: 1, model: "sonnet", finishReason: "stop" as const };
  expect(collector.completion(end)).toMatchObject({
    choices: [{ message: { content: "1234", reasoning_content: "123" } }],
  });
  expect(() => sink.delta({ content: "12" })).toThrow(expect.objectContaining({ code: "upstream_invalid_response" }));
});

test("an answer of countless tiny pieces is refused too", () => {
  const { sink } = createCollectingSink(1000);
  const call = (index: number) => sink.delta({ tool_calls: [{ index }] });
  for (let index = 0; index < 7; index += 1) call(index);
  expect(() => call(7)).toThrow(expect.objectContaining({ code: "upstream_invalid_response" }));
});
