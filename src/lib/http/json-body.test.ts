import { describe, expect, it } from "vitest";
import { z } from "zod";
import { GatewayError } from "./errors.ts";
import { formatParam, parseJson } from "./json-body.ts";

const schema = z.looseObject({
  model: z.string().min(1),
  temperature: z.number().min(0).max(2).optional(),
  messages: z
    .array(
      z.discriminatedUnion("role", [
        z.looseObject({
          role: z.literal("user"),
          content: z.union([
            z.string(),
            z.array(
              z.discriminatedUnion("type", [
                z.looseObject({ type: z.literal("text"), text: z.string() }),
                z.looseObject({ type: z.literal("image_url"), image_url: z.looseObject({ url: z.string() }) }),
              ]),
            ),
          ]),
        }),
        z.looseObject({ role: z.literal("system"), content: z.string() }),
      ]),
    )
    .min(1),
});

function failure(body: string | Buffer): GatewayError {
  try {
    parseJson(Buffer.from(body as string), schema);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("the body was accepted");
}

const at = (value: unknown) => {
  const { code, param, status } = failure(JSON.stringify(value));
  return [status, code, param];
};

const messages = [{ role: "user", content: "hi" }];

describe("parseJson", () => {
  it("returns the parsed value and keeps unknown fields", () => {
    const parsed = parseJson(Buffer.from(JSON.stringify({ model: "m", messages, extra: { deep: [1] } })), schema);
    expect(parsed).toEqual({ model: "m", messages, extra: { deep: [1] } });
  });

  it.each([
    ["a missing field", { messages }, [400, "missing_required_parameter", "model"]],
    ["a wrong type", { model: 3, messages }, [400, "invalid_type", "model"]],
    ["null where a value is due", { model: null, messages }, [400, "invalid_type", "model"]],
    ["a value out of bounds", { model: "m", temperature: 3, messages }, [400, "invalid_value", "temperature"]],
    ["an empty array", { model: "m", messages: [] }, [400, "invalid_value", "messages"]],
    ["an unknown role", { model: "m", messages: [{ role: "x" }] }, [400, "invalid_value", "messages[0].role"]],
    ["a missing role", { model: "m", messages: [{}] }, [400, "missing_required_parameter", "messages[0].role"]],
    [
      "a field deep in a union's branch",
      { model: "m", messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] },
      [400, "missing_required_parameter", "messages[0].content[0].image_url.url"],
    ],
    [
      "a value that fits no branch of a union",
      { model: "m", messages: [{ role: "user", content: 5 }] },
      [400, "invalid_type", "messages[0].content"],
    ],
    ["a body that is no object", [1], [400, "invalid_type", null]],
  ])("names the field at fault: %s", (_, value, expected) => {
    expect(at(value)).toEqual(expected);
  });

  it.each([["{"], [""], ['{"model": sk-secret}'], [Buffer.from([0x22, 0xff, 0x22])]])(
    "answers invalid_json without quoting the body (%#)",
    (body) => {
      const error = failure(body);
      expect([error.status, error.code]).toEqual([400, "invalid_json"]);
      expect(error.message).not.toContain("sk-secret");
    },
  );
});

describe("formatParam", () => {
  it("writes a path as OpenAI does", () => {
    expect(formatParam(["messages", 0, "content", 1, "type"])).toBe("messages[0].content[1].type");
  });
});
