import { describe, expect, it } from "vitest";
import { stampedChunk, streamEnd } from "../upstream/answers.ts";
import { StampScanner } from "./stamp-scanner.ts";

const STAMPS = [17n, 123_456_789_012_345n, 9_007_199_254_740_993n];
const stream = STAMPS.map((stamp, index) => stampedChunk(stamp, index === 0)).join("") + streamEnd(true);

function scan(pieces: readonly string[]): { readonly stamps: number[]; readonly isDone: boolean } {
  const stamps: number[] = [];
  const scanner = new StampScanner((stamp) => stamps.push(stamp));
  for (const piece of pieces) scanner.push(Buffer.from(piece));
  return { stamps, isDone: scanner.isDone };
}

describe("the stamps of a stream", () => {
  it("are found once each, and the end is seen, wherever the stream is cut", () => {
    const expected = { stamps: STAMPS.map(Number), isDone: true };
    expect(scan([stream])).toEqual(expected);
    for (let cut = 1; cut < stream.length; cut += 1) {
      expect(scan([stream.slice(0, cut), stream.slice(cut)])).toEqual(expected);
    }
    expect(scan(stream.split(""))).toEqual(expected);
  });

  it("are found when an agent joined several into one text", () => {
    expect(scan(['{"content":"@0000000000000000001 @0000000000000000002 "}']).stamps).toEqual([1, 2]);
  });

  it("do not make a stream whole that stops before `[DONE]`", () => {
    expect(scan([stream.slice(0, stream.indexOf("[DONE]"))]).isDone).toBe(false);
  });
});
