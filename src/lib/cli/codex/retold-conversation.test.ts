import { expect, it } from "vitest";
import { createRetoldConversation } from "./retold-conversation.ts";

const METHOD = "rawResponseItem/completed";
const message = (...types: readonly string[]) => ({
  item: { type: "message", role: "user", content: types.map((type) => ({ type })) },
});
const result = (output: unknown) => ({ item: { type: "function_call_output", call_id: "c", output } });

it("counts the images that a text stands in for, once the whole conversation was told again", () => {
  const retold = createRetoldConversation({ items: 3, images: 4 });
  retold.push(METHOD, message("input_text", "input_image", "input_text"));
  retold.push("thread/status/changed", {});
  retold.push(METHOD, result("text"));
  expect(retold.countLostImages()).toBe(0);
  retold.push(METHOD, result([{ type: "input_text" }, { type: "input_image" }]));
  expect(retold.countLostImages()).toBe(2);
});

it("takes no image for lost where the conversation is not told again in a form that it knows", () => {
  const retold = createRetoldConversation({ items: 1, images: 1 });
  retold.push(METHOD, { item: { content: 7 } });
  retold.push(METHOD, null);
  expect(retold.countLostImages()).toBe(0);
});

it("is waited for until it was told again as a whole, and no longer than it may", async () => {
  const retold = createRetoldConversation({ items: 2, images: 1 });
  let isWhole = false;
  const waiting = retold.whole(10_000).then(() => {
    isWhole = true;
  });
  retold.push(METHOD, message("input_image"));
  await Promise.resolve();
  expect(isWhole).toBe(false);
  retold.push(METHOD, message("input_text"));
  await waiting;
  expect(retold.countLostImages()).toBe(0);
  await createRetoldConversation({ items: 2, images: 1 }).whole(5);
  await createRetoldConversation({ items: 2, images: 0 }).whole(10_000);
});
