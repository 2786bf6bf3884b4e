import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { createSseParser } from "../../http/sse.ts";
import { createChunkRelay } from "./relay-chunk.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const STREAMS = 200;
const frame = (text: string): string => {
  const choices = [{ index: 0, delta: { content: text }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: "c", model: "m", choices, usage: null })}\n\n`;
};

/** Bytes of the heap for each stream that has read these chunks and goes on. */
function heldBytes(chunks: readonly Buffer[]): number {
  const streams: unknown[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let count = 0; count < STREAMS; count += 1) {
    const relay = createChunkRelay({ includeUsage: false, choices: 1 });
    const parser = createSseParser({ onEvent: ({ data }) => relay.push(data) });
    for (const chunk of chunks) parser.push(chunk);
    streams.push(parser, relay);
  }
  collect();
  const held = process.memoryUsage().heapUsed - before;
  // Until here they are in use.
  expect(streams).toHaveLength(2 * STREAMS);
  return held / STREAMS;
}

test.each([
  ["many chunks at once", [frame("word ").repeat(200)]],
  ["many chunks at once, in letters beyond Latin", [frame("слово ").repeat(200)]],
  ["a large chunk, then small ones", [frame("x".repeat(1_000_000)), ...Array.from({ length: 20 }, () => frame("y"))]],
])("an open stream keeps nothing of %s", (_what, texts) => {
  expect(heldBytes(texts.map((text) => Buffer.from(text)))).toBeLessThan(10_000);
});
