import { describe, expect, it } from "vitest";
import { hasMoreFields, isNestedDeeper } from "./json-depth.ts";

const deeper = (text: string, maxDepth: number): boolean => isNestedDeeper(Buffer.from(text), maxDepth);

describe("isNestedDeeper", () => {
  it("counts arrays and objects, side by side only once", () => {
    expect(deeper('{"a":[1,{"b":[]}]}', 4)).toBe(false);
    expect(deeper('{"a":[1,{"b":[]}]}', 3)).toBe(true);
    expect(deeper(`[${"[],".repeat(1000)}0]`, 2)).toBe(false);
  });

  it("ignores brackets in strings, behind escaped quotes and backslashes too", () => {
    expect(deeper(String.raw`["[[[[", "\"[[[[", "\\", [1]]`, 2)).toBe(false);
    expect(deeper(String.raw`["\\", [[1]]]`, 2)).toBe(true);
  });

  it("is done at once with a nest of megabytes", () => {
    expect(deeper("[".repeat(5_000_000), 500)).toBe(true);
  });

  it("leaves an unfinished string to the parser", () => {
    expect(deeper('["abc', 1)).toBe(false);
  });
});

describe("hasMoreFields", () => {
  const object = (fields: number): Buffer =>
    Buffer.from(`[{${Array.from({ length: fields }, (_, field) => `"${field}:":":\\":"`).join()}}]`);

  it("counts fields of all objects, and no colon in a string", () => {
    expect(hasMoreFields(object(100), 100)).toBe(false);
    expect(hasMoreFields(object(101), 100)).toBe(true);
    expect(hasMoreFields(Buffer.from(`[${'{"":0},'.repeat(100)}{"":0}]`), 100)).toBe(true);
    expect(hasMoreFields(Buffer.from(`"${":".repeat(10_000)}"`), 100)).toBe(false);
  });
});
