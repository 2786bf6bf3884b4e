import { describe, expect, it } from "vitest";
import { toCarriedSchema } from "./carried-schema.ts";

describe("toCarriedSchema", () => {
  it("leaves a schema as it is, with everything in it", () => {
    const schema = {
      type: "object",
      description: "d",
      properties: { a: { anyOf: [{ type: "string" }, { type: "null" }] } },
      required: ["a"],
      additionalProperties: false,
      $defs: { X: true },
    };
    expect(toCarriedSchema(schema)).toEqual(schema);
    expect(toCarriedSchema({ type: "object" })).toEqual({ type: "object" });
  });

  it("leaves out what means nothing, and says true in the way that every version takes", () => {
    expect(toCarriedSchema({ type: "object", properties: null, required: null })).toEqual({ type: "object" });
    expect(toCarriedSchema({ type: "object", properties: { a: true, b: {} } })).toEqual({
      type: "object",
      properties: { a: {}, b: {} },
    });
  });

  it.each([
    [{ type: "string" }],
    [{ type: ["object", "null"] }],
    [{ type: "object", oneOf: [{}] }],
    [{ type: "object", description: 5 }],
    [{ type: "object", properties: [] }],
    [{ type: "object", properties: { a: false } }],
    [{ type: "object", properties: { a: "string" } }],
    [{ type: "object", properties: JSON.parse('{"__proto__":{}}') as unknown }],
    [{ type: "object", required: "a" }],
    [{ type: "object", required: [1] }],
  ])("says what is wrong with %j", (schema) => {
    expect(toCarriedSchema(schema)).toEqual(expect.any(String));
  });
});
