import { describe, expect, it } from "vitest";
import { mergeClaudeUsage, toUsage } from "./translate-usage.ts";

const MAX = 2 ** 31 - 1;
const usageOf = (usage: unknown) => toUsage(mergeClaudeUsage({}, usage));

describe("Claude's usage", () => {
  it.each([-1, 1.5, 2 ** 31, Number.MAX_SAFE_INTEGER, 1e300, "7", null, {}])("takes %j for not told", (count) => {
    expect(usageOf({ input_tokens: count, output_tokens: 2 })).toBeUndefined();
    expect(
      usageOf({
        input_tokens: 1,
        output_tokens: 2,
        cache_read_input_tokens: count,
        output_tokens_details: { thinking_tokens: count },
      }),
    ).toEqual({ prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 });
  });

  it("keeps an earlier sane count when a later one is not", () => {
    const counts = mergeClaudeUsage(mergeClaudeUsage({}, { input_tokens: 1, output_tokens: 2 }), { output_tokens: -5 });
    expect(toUsage(counts)?.completion_tokens).toBe(2);
  });

  it("believes no prompt whose parts add up to more than a count can be", () => {
    expect(usageOf({ input_tokens: MAX, output_tokens: 1 })?.prompt_tokens).toBe(MAX);
    expect(usageOf({ input_tokens: MAX, output_tokens: 1, cache_read_input_tokens: 1 })).toBeUndefined();
  });
});
