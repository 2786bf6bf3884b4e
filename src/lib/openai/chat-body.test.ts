import { expect, it } from "vitest";
import { PARSED_AT_ONCE_MAX, readChatBody } from "./chat-body.ts";

const bodyOf = (content: string): Buffer =>
  Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content }] }));

it.each([
  ["small", "Hi"],
  ["large", "x".repeat(PARSED_AT_ONCE_MAX)],
])("a %s request that was let go is refused to whoever still asks, rather than answered wrongly", (_size, content) => {
  const bytes = bodyOf(content);
  const body = readChatBody(bytes);
  expect(body.head.model).toBe("m");
  expect(body.request().messages).toHaveLength(1);
  expect(body.withMembers({})).toEqual(bytes);
  body.release();
  body.release();
  const words = "was let go";
  expect(() => body.head).toThrow(words);
  expect(() => body.withMembers({})).toThrow(words);
  expect(body.byteLength).toBe(bytes.length);
});
