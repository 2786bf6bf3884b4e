import { describe, expect, it } from "vitest";
import { orderText, readOrder } from "./order.ts";

const read = (body: unknown) => readOrder(Buffer.from(JSON.stringify(body)));

describe("the order in a request", () => {
  it("is found wherever the field stands", () => {
    expect(read({ messages: [{ role: "user", content: `${orderText("whole")} Say hello` }] })).toEqual({
      kind: "whole",
    });
    expect(read({ messages: ["x".repeat(100_000), orderText({ chunks: 5, gapMs: 10 })] })).toEqual({
      kind: "stream",
      chunks: 5,
      gapMs: 10,
      includeUsage: false,
    });
  });

  it("asks for usage where the request does, with or without a space", () => {
    const content = orderText({ chunks: 1, gapMs: 1 });
    expect(read({ content, stream_options: { include_usage: true } })).toMatchObject({ includeUsage: true });
    expect(
      readOrder(Buffer.from(`{"content": "${content}", "stream_options": {"include_usage": true}}`)),
    ).toMatchObject({
      includeUsage: true,
    });
    expect(read({ content, stream_options: { include_usage: false } })).toMatchObject({ includeUsage: false });
  });

  it("is undefined in a request of somebody else", () => {
    expect(read({ content: "something" })).toBeUndefined();
    expect(read({ content: "bench:" })).toBeUndefined();
  });
});
