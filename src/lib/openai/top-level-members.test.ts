import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemberScanner, type MemberSpan } from "./top-level-members.ts";

const KEYS = new Set(["model", "stream", "n"]);

function scan(text: string | Buffer, cuts: readonly number[] = [], maxDepth = 20): ReadonlyMap<string, MemberSpan> {
  const bytes = Buffer.from(text);
  const scanner = createMemberScanner({ keys: KEYS, maxDepth, maxFields: 2_000_000, objectsIn: "list" });
  let position = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    scanner.push(bytes.subarray(position, cut));
    position = cut;
  }
  return scanner.end();
}

/** The members found, as the texts of their keys and values. */
function texts(text: string, cuts: readonly number[] = []): Record<string, string> {
  const bytes = Buffer.from(text);
  const found = [...scan(text, cuts).values()].map(({ keyStart, keyEnd, valueStart, valueEnd }) => [
    bytes.toString("utf8", keyStart, keyEnd),
    bytes.toString("utf8", valueStart, valueEnd),
  ]);
  return Object.fromEntries(found) as Record<string, string>;
}

const json = fc.json({ maxDepth: 4 });
const space = fc.stringMatching(/^[ \n\r\t]{0,3}$/);

describe("createMemberScanner", () => {
  it("finds the wanted members of any object, with their exact bytes, however it is cut and spaced", () => {
    const member = fc.tuple(fc.oneof(fc.constantFrom(...KEYS), fc.string()), json, space);
    const members = fc.uniqueArray(member, { selector: ([key]) => key, maxLength: 8 });
    fc.assert(
      fc.property(members, fc.array(fc.nat(), { maxLength: 8 }), (list, cuts) => {
        const text = `{${list.map(([key, value, gap]) => `${gap}${JSON.stringify(key)}${gap}:${gap}${value}${gap}`).join(",")}}`;
        fc.pre((() => JSON.parse(text))() !== undefined);
        const wanted = list.filter(([key]) => KEYS.has(key));
        expect(texts(text, cuts)).toEqual(
          Object.fromEntries(wanted.map(([key, value]) => [JSON.stringify(key), value.trim()])),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("is not fooled by what stands in strings, in nested objects, or behind backslashes", () => {
    const text = String.raw`{"a":"\",\"model\":\"x\\","b":{"model":1,"c":[{"n":"}"}]},"model":"m\\\"","stream":true }`;
    expect(texts(text)).toEqual({ '"model"': String.raw`"m\\\""`, '"stream"': "true" });
    for (let cut = 0; cut < text.length; cut += 1) expect(texts(text, [cut])).toEqual(texts(text));
  });

  it("knows a key that is spelled with escapes", () => {
    expect(texts(String.raw`{"\u006dodel":1}`)).toEqual({ [String.raw`"\u006dodel"`]: "1" });
    const spell = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
    const escaped = Array.from("stream", spell).join("");
    expect(texts(`{"${escaped}":1}`, [5, 20])).toEqual({ [`"${escaped}"`]: "1" });
    expect(() => scan(`{"stream":1,"${escaped}":2}`)).toThrow(expect.objectContaining({ code: "invalid_json" }));
  });

  it("refuses a wanted key that stands there twice, in whatever spelling", () => {
    const twice = { code: "invalid_json", message: expect.stringContaining("'model'") };
    expect(() => scan('{"model":1,"model":2}')).toThrow(expect.objectContaining(twice));
    expect(() => scan(String.raw`{"model":1,"mod\u0065l":2}`)).toThrow(expect.objectContaining(twice));
    expect(scan('{"x":1,"x":2,"model":1}').size).toBe(1);
  });

  it("refuses nesting beyond the bound, and takes what is within it", () => {
    const nested = (depth: number): string => `{"x":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
    expect(scan(nested(20)).size).toBe(0);
    expect(() => scan(nested(21))).toThrow(expect.objectContaining({ code: "invalid_json" }));
  });

  it.each(['{"list":[{},null]}', '{"list":["x"]}', '{"a":[1],"list": [ {"b":[1]} , 2]}', '{"list":[[{}]]}'])(
    "refuses %s, in which the list has something other than objects",
    (text) => {
      const wrong = { code: "invalid_value", param: "list" };
      for (let cut = 0; cut < text.length; cut += 1) {
        expect(() => scan(text, [cut])).toThrow(expect.objectContaining(wrong));
      }
      expect(scan('{"list":[{"list":[1]},{}],"x":{"list":[1]}}').size).toBe(0);
    },
  );

  it("refuses more fields than there may be, in whatever objects they are", () => {
    const limited = (text: string): void => {
      const scanner = createMemberScanner({ keys: KEYS, maxDepth: 20, maxFields: 3 });
      scanner.push(Buffer.from(text));
    };
    limited('{"a":{"b":[{"c":":::"}]}}');
    expect(() => limited('{"a":{"b":[{"c":1},{"d":1}]}}')).toThrow(expect.objectContaining({ code: "invalid_json" }));
  });

  it.each([
    "",
    " ",
    "[]",
    "3",
    '"model"',
    "{",
    '{"model"',
    '{"model":',
    '{"model":1',
    '{"model":1,',
    '{"model":1,}',
    '{,"model":1}',
    '{"model" 1}',
    '{"model"::1}',
    '{"model":1 2}',
    '{"model":"a"b}',
    '{"model":[}',
    '{"model":{]}',
    '{"model":1}}',
    '{"model":1}{}',
    '{"model":1} x',
    "{model:1}",
    '{"model":}',
    '{"mo',
  ])("refuses %j", (text) => {
    expect(() => scan(text)).toThrow(expect.objectContaining({ code: "invalid_json" }));
    for (let cut = 0; cut < text.length; cut += 1) expect(() => scan(text, [cut])).toThrow();
  });

  it("costs time in proportion to the length, whether it is one string or millions of brackets", () => {
    const cost = (text: string): number => {
      const bytes = Buffer.from(text);
      const started = process.cpuUsage();
      for (let run = 0; run < 5; run += 1) scan(bytes);
      const { user, system } = process.cpuUsage(started);
      return user + system;
    };
    const brackets = (count: number): string => `{"x":[${"{},".repeat(count)}1]}`;
    cost(brackets(10_000));
    expect(cost(brackets(1_000_000)) / Math.max(cost(brackets(100_000)), 1000)).toBeLessThan(40);
    const quotes = (count: number): string => JSON.stringify({ x: '"\\'.repeat(count) });
    expect(cost(quotes(1_000_000)) / Math.max(cost(quotes(100_000)), 1000)).toBeLessThan(40);
  });
});
