import { expect, test } from "vitest";
import { createCollectingSink } from "./collecting-sink.ts";

test("an answer within the bound is gathered whole, and one over it is refused", () => {
  const { sink, collector } = createCollectingSink(10);
  expect(sink.delta({ content: "1234" })).toBe(true);
  expect(sink.delta({ reasoning_content: "123" })).toBe(true);
  const end = { id: "chatcmpl-1", created: 1, model: "sonnet", finishReason: "stop" as const };
  expect(collector.completion(end)).toMatchObject({
    choices: [{ message: { content: "1234", reasoning_content: "123" } }],
  });
  expect(() => sink.delta({ content: "12" })).toThrow(expect.objectContaining({ code: "upstream_invalid_response" }));
});
