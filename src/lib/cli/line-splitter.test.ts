import { describe, expect, it } from "vitest";
import { createLineSplitter, LineError } from "./line-splitter.ts";

describe("createLineSplitter", () => {
  it("cuts at \\n only, not at U+2028, U+2029, U+0085 or \\r", () => {
    const text = "a\u2028b\u2029c\u0085d\re\n\nf";
    const splitter = createLineSplitter();
    expect(splitter.push(Buffer.from(text))).toEqual(["a\u2028b\u2029c\u0085d\re", ""]);
    expect(splitter.pendingBytes).toBe(1);
    expect(splitter.push(Buffer.from("\n"))).toEqual(["f"]);
  });

  it("keeps a byte order mark and characters that chunks cut", () => {
    const splitter = createLineSplitter();
    const lines = [...Buffer.from("\ufeff👩‍👩‍👧\n")].flatMap((byte) => splitter.push(Uint8Array.of(byte)));
    expect(lines).toEqual(["\ufeff👩‍👩‍👧"]);
  });

  it("refuses a line over its bound, whole or in pieces, and takes one of exactly the bound", () => {
    expect(createLineSplitter(4).push(Buffer.from("abcd\n"))).toEqual(["abcd"]);
    expect(() => createLineSplitter(4).push(Buffer.from("abcde\n"))).toThrow(LineError);
    const splitter = createLineSplitter(4);
    splitter.push(Buffer.from("abc"));
    expect(() => splitter.push(Buffer.from("de"))).toThrow(LineError);
  });

  it("refuses bytes that are not UTF-8 instead of replacing them", () => {
    expect(() => createLineSplitter().push(Uint8Array.of(0x61, 0xff, 0x0a))).toThrow(LineError);
  });

  it("handles a line of 8 MB in 64 KB pieces in linear time", () => {
    const piece = Buffer.alloc(64 * 1024, "x");
    const splitter = createLineSplitter();
    for (let index = 0; index < 128; index += 1) expect(splitter.push(piece)).toEqual([]);
    expect(splitter.push(Buffer.from("\n"))[0]).toHaveLength(8 * 1024 * 1024);
  });
});
