import { expect, test } from "vitest";
import { PARSED_AT_ONCE_MAX, readChatBody } from "../openai/chat-body.ts";
import { prepareBody } from "./prepare-body.ts";

const read = (text: string) => readChatBody(Buffer.from(text));

test("a checked body is the client's own text under the target's name for the model", () => {
  const text = '{ "model": "provider/sonnet",\n "messages": [{"role":"user","content":"hi"}], "x": 1.50 }';
  const { bytes, droppedParams } = prepareBody(read(text), { type: "checked", model: "sonnet" });
  expect(bytes.toString()).toBe(text.replace("provider/sonnet", "sonnet"));
  expect(droppedParams).toEqual([]);
});

test("a long body that was not checked before is checked now", () => {
  const long = JSON.stringify({ model: "m", messages: ["x".repeat(PARSED_AT_ONCE_MAX)] });
  const failure = expect.objectContaining({ code: "invalid_value", failover: false });
  expect(() => prepareBody(read(long), { type: "checked", model: "sonnet" })).toThrow(failure);
  const form = { type: "messages-api", model: "claude-sonnet-5-5", stream: true } as const;
  expect(() => prepareBody(read(long), form)).toThrow(failure);
});

test("a body for the Messages API is translated, with what is dropped named", () => {
  const text = '{"model":"sonnet","messages":[{"role":"user","content":"hi"}],"seed":1,"max_tokens":5}';
  const form = { type: "messages-api", model: "claude-sonnet-5-5", stream: true } as const;
  const { bytes, droppedParams } = prepareBody(read(text), form);
  expect(JSON.parse(bytes.toString())).toEqual({
    model: "claude-sonnet-5-5",
    max_tokens: 5,
    messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    stream: true,
  });
  expect(droppedParams).toEqual(["seed"]);
});
