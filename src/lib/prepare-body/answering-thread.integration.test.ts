import { afterEach, expect, test } from "vitest";
import { rejection } from "../../test/rejection.ts";
import { AnsweringThread } from "./answering-thread.ts";

/** Answers a text by itself and its own number of questions; ends in the ways that its questions name. */
const SOURCE = `
import { parentPort } from "node:worker_threads";
let count = 0;
parentPort.on("message", (question) => {
  if (question === "throw") throw new Error("boom");
  if (question === "exit") process.exit(3);
  count += 1;
  if (question !== "hang") parentPort.postMessage(question + " " + count);
});
`;

let thread: AnsweringThread<string, string>;
const start = (source: string): void => {
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  thread = new AnsweringThread({ url, name: "test" });
};
afterEach(() => thread.close());

test("one thread answers question after question", async () => {
  start(SOURCE);
  expect([await thread.ask("a", []), await thread.ask("b", [])]).toEqual(["a 1", "b 2"]);
});

test.each([
  ["throw", "the thread ended with code 1"],
  ["exit", "the thread ended with code 3"],
])("a thread that ends (%s) fails its question alone: the next one gets a fresh thread", async (question, message) => {
  start(SOURCE);
  await thread.ask("a", []);
  expect(await rejection(thread.ask(question, []))).toMatchObject({ message });
  expect(await thread.ask("b", [])).toBe("b 1");
});

test("a thread that cannot be started fails its question", async () => {
  start("this is no program");
  const error = (await rejection(thread.ask("a", []))) as Error;
  expect(error.cause).toMatchObject({ name: "SyntaxError" });
});

test("closing ends a question that is under way", async () => {
  start(SOURCE);
  const failure = rejection(thread.ask("hang", []));
  await thread.close();
  expect(await failure).toBeInstanceOf(Error);
});
