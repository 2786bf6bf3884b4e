import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { geminiProgram, startRealGemini, type RealGemini } from "./harness.ts";

const schemaWith = (description: string) => ({
  type: "json_schema" as const,
  json_schema: {
    name: "answer",
    schema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $comment: "kept",
      type: "object",
      properties: {
        $HOME: { type: "string" },
        a: { type: "string", description, pattern: "^[a-z]+$" },
        b: { $ref: "#/$defs/Item" },
      },
      $defs: { Item: { type: "string", description: "costs 5 $, or US$5" } },
    },
  },
});

describe.skipIf(geminiProgram() === undefined)("gemini 0.61.0: variables in what stands in its settings", () => {
  let gemini: RealGemini;
  beforeEach(async () => {
    gemini = await startRealGemini();
  });
  afterEach(() => gemini.close());

  it.each(["$GEMINI_API_KEY", "${GEMINI_API_KEY}", "see ${HOME:-x}"])(
    "are refused in a schema and in a stop sequence: %s",
    async (text) => {
      const refused = { code: "unsupported_parameter", failover: true };
      const schema = gemini.ask({ response_format: schemaWith(text) });
      await expect(schema).rejects.toMatchObject({ ...refused, param: "response_format" });
      const stop = gemini.ask({ stop: ["END", text] });
      await expect(stop).rejects.toMatchObject({ ...refused, param: "stop" });
      expect(gemini.upstream.requests).toEqual([]);
    },
  );

  it("do not make it refuse references, patterns and sums of money, which arrive as they are", async () => {
    const format = schemaWith("any");
    await gemini.ask({ response_format: format, stop: ["$5", "$"] });
    const config = gemini.bodies()[0]?.["generationConfig"];
    expect(config).toMatchObject({ responseJsonSchema: format.json_schema.schema, stopSequences: ["$5", "$"] });
  });
});
