import { describe, expect, it } from "vitest";
import { readUsage } from "./read-usage.ts";

const MAIN = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const INSANE = [-1, 1.5, 2 ** 31, Number.MAX_SAFE_INTEGER, 1e300, "7", {}, true];

describe("readUsage", () => {
  it("keeps sane counts, the largest included, and fields that it does not know", () => {
    const usage = {
      prompt_tokens: 2 ** 31 - 1,
      completion_tokens: 0,
      total_tokens: 2 ** 31 - 1,
      prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: null },
    };
    expect(readUsage(usage)).toEqual(usage);
  });

  it.each(INSANE)("takes a main count of %j for not told", (count) => {
    expect(readUsage({ ...MAIN, prompt_tokens: count })).toBeUndefined();
    expect(readUsage({ ...MAIN, completion_tokens: count })).toBeUndefined();
  });

  it.each(INSANE)("leaves out a detail of %j and keeps the rest, and adds up the total", (count) => {
    const usage = readUsage({
      ...MAIN,
      total_tokens: count,
      prompt_tokens_details: { cached_tokens: count, cache_write_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: count },
    });
    expect(usage).toEqual({ ...MAIN, prompt_tokens_details: { cache_write_tokens: 2 }, completion_tokens_details: {} });
    expect(readUsage({ ...MAIN, prompt_tokens_details: count === true ? [] : count })).toMatchObject(MAIN);
  });

  it.each([null, 3, "text", [], {}])("finds none in %j", (value) => expect(readUsage(value)).toBeUndefined());
});
