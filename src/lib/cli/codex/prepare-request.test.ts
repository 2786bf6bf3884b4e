import { describe, expect, it } from "vitest";
import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { prepareRequest } from "./prepare-request.ts";

const prepare = (request: Partial<ChatRequest>, model = "codex") =>
  prepareRequest({ model, messages: [{ role: "user", content: "hi" }], ...request }, model);

function refusal(request: Partial<ChatRequest>, model?: string): GatewayError {
  try {
    prepare(request, model);
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  return expect.fail("it was not refused");
}

const tool = (name: string, parameters: Record<string, unknown> = { type: "object", properties: {} }) => ({
  type: "function" as const,
  function: { name, parameters },
});
const format = (schema: unknown, strict?: boolean) => ({
  type: "json_schema",
  json_schema: { name: "n", schema, ...(strict === undefined ? {} : { strict }) },
});
const STRICT = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };

/** All of a PNG up to its pixels. */
function pngOf(width: number, height: number): string {
  const bytes = Buffer.from("89504e470d0a1a0a0000000d49484452000000000000000008020000000000000000", "hex");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes.subarray(0, 33).toString("base64");
}
const withImages = (
  ...images: readonly { readonly url: string; readonly detail?: string }[]
): Partial<ChatRequest> => ({
  messages: [{ role: "user", content: images.map((image) => ({ type: "image_url", image_url: image })) }],
});
const png = (width: number, height: number): { url: string } => ({
  url: `data:image/png;base64,${pngOf(width, height)}`,
});

describe("prepareRequest", () => {
  it("leaves the model to the CLI for its alias only", () => {
    expect(prepare({}).model).toBeUndefined();
    expect(prepare({}, "gpt-5.5").model).toBe("gpt-5.5");
    expect(refusal({}, "--config=x")).toMatchObject({ code: "unsupported_value", param: "model" });
  });

  it("names what the CLI cannot carry, unless it asks for what is given anyway", () => {
    const { droppedParams } = prepare({
      temperature: 0.5,
      top_p: 1,
      seed: 1,
      max_tokens: 5,
      user: "u",
      logprobs: false,
      presence_penalty: 0,
      metadata: null,
      response_format: { type: "json_object" },
      messages: [
        { role: "user", content: "hi", name: "Ann" },
        { role: "assistant", content: "a", reasoning_content: "r" },
      ],
    });
    expect([...droppedParams].toSorted()).toEqual([
      "max_tokens",
      "messages[].name",
      "messages[].reasoning_content",
      "response_format",
      "seed",
      "temperature",
      "user",
    ]);
  });

  it.each([
    [{ n: 2 }, "n"],
    [{ logprobs: true }, "logprobs"],
    [{ functions: [] }, "functions"],
    [{ stop: Array.from({ length: 17 }, (_, index) => `${index}`) }, "stop"],
    [{ stop: "x".repeat(257) }, "stop"],
    [{ modalities: ["text", "audio"] }, "modalities"],
    [{ tools: [tool("a")], tool_choice: "required" as const }, "tool_choice"],
    [{ tools: [tool("a")], tool_choice: { type: "function", function: { name: "a" } } }, "tool_choice"],
    [{ tools: [tool("a b")] }, "tools"],
    [{ tools: [{ type: "custom", custom: { name: "x" } }] }, "tools"],
    [{ response_format: format({ type: "object", properties: { a: {} } }) }, "response_format"],
    [{ messages: [{ role: "function" as const, name: "f", content: "x" }] }, "messages[0]"],
    [{ messages: [{ role: "user" as const, content: [{ type: "input_audio" }] }] }, "messages[0].content[0]"],
  ] satisfies [Partial<ChatRequest>, string][])(
    "leaves to another provider what it would answer wrongly: %j",
    (request, param) => {
      expect(refusal(request)).toMatchObject({ code: "unsupported_parameter", failover: true, param, status: 400 });
    },
  );

  it.each([
    "file:///etc/passwd",
    "https://example.com/a.png",
    "data:image/svg+xml;base64,PHN2Zy8+",
    "data:image/heic;base64,AAAA",
    `data:text/plain;base64,${pngOf(1, 1)}`,
    `data:image/png;base64,${Buffer.from("no image").toString("base64")}`,
    png(9000, 9000).url,
    png(3200, 3232).url,
    png(6001, 1).url,
    png(1, 6001).url,
    png(0, 10).url,
  ])("leaves to another provider an image that the CLI would not send as it is: %s", (url) => {
    const param = "messages[0].content[1].image_url";
    expect(refusal(withImages(png(1, 1), { url }))).toMatchObject({
      code: "unsupported_parameter",
      failover: true,
      param,
    });
  });

  it.each([
    "data:image/png,abc",
    "data:image/png;base64",
    "data:image/png;base64,",
    "data:image/png;base64,AA-_",
    "data:image/png;base64,AAA",
    "data:image/png;base64,A===",
    "data:image/png;base64,AAB=",
    "data:image/png;base64,AAAA\nAAAA",
    "data:image/png;base64,AA==AAAA",
  ])("refuses an image that is not base64: %j", (url) => {
    const param = "messages[0].content[0].image_url";
    expect(refusal(withImages({ url }))).toMatchObject({ code: "invalid_value", failover: false, param });
  });

  it("sends images of every size that the CLI leaves as it is, under the format that they have", () => {
    const { items, images } = prepare(
      withImages(
        png(3200, 3200),
        png(6000, 16),
        { url: `DATA:IMAGE/JPG;charset=x;base64,${pngOf(4, 5)}`, detail: "low" },
        { url: png(6, 7).url, detail: "utmost" },
      ),
    );
    expect(items[0]?.["content"]).toEqual([
      { type: "input_image", image_url: png(3200, 3200).url },
      { type: "input_image", image_url: png(6000, 16).url },
      { type: "input_image", image_url: png(4, 5).url, detail: "low" },
      { type: "input_image", image_url: png(6, 7).url },
    ]);
    expect(images.map(({ width, height }) => [width, height])).toEqual([
      [3200, 3200],
      [6000, 16],
      [4, 5],
      [6, 7],
    ]);
  });

  it("takes twenty images a request, those of tools' results among them", () => {
    const [user] = withImages(...Array.from({ length: 19 }, () => png(1, 1))).messages ?? [];
    const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };
    const more = (count: number): Partial<ChatRequest> => ({
      messages: [
        user!,
        { role: "assistant", tool_calls: [call] },
        {
          role: "tool",
          tool_call_id: "c",
          content: Array.from({ length: count }, () => ({ type: "image_url", image_url: png(1, 1) })),
        },
      ],
    });
    expect(prepare(more(1)).images).toHaveLength(20);
    expect(refusal(more(2))).toMatchObject({ failover: true, param: "messages[2].content[1].image_url" });
  });

  it("carries schemas that are strict, by name or by form", () => {
    expect(prepare({ response_format: format(STRICT) }).outputSchema).toEqual(STRICT);
    const loose = { type: "object", properties: { a: {} } };
    expect(prepare({ response_format: format(loose, true) }).outputSchema).toEqual(loose);
    const nested = { ...STRICT, properties: { a: { type: "object", properties: {} } } };
    expect(refusal({ response_format: format(nested, false) }).param).toBe("response_format");
  });

  it("renames tools whose names the CLI keeps for itself, in the history too", () => {
    const call = { id: "c", type: "function", function: { name: "exec_command", arguments: "{}" } };
    const { tools, clientNames, items } = prepare({
      tools: [tool("exec_command"), tool("mcp__a__b"), tool("plain")],
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: "c", content: "done" },
      ],
    });
    expect(tools.map(({ name }) => name)).toEqual(["client_exec_command", "client_mcp__a__b", "plain"]);
    expect([...clientNames.values()]).toEqual(["exec_command", "mcp__a__b", "plain"]);
    expect(items[1]).toMatchObject({ type: "function_call", name: "client_exec_command" });
    expect(refusal({ tools: [tool("a"), tool("a")] })).toMatchObject({ code: "invalid_value", failover: false });
    expect(refusal({ tools: [tool("exec_command"), tool("client_exec_command")] }).code).toBe("invalid_value");
  });

  it("names what the CLI leaves out of a tool's schema", () => {
    const schema = (inner: object) => [
      tool("a", { type: "object", properties: { minimum: { type: "string", ...inner } } }),
    ];
    expect(prepare({ tools: schema({ enum: ["x"] }) }).droppedParams).toEqual([]);
    expect(prepare({ tools: schema({ pattern: "^x" }) }).droppedParams).toEqual(["tools[].function.parameters"]);
  });

  it("refuses schemas that are nested too deeply for a line to the CLI", () => {
    const nest = (levels: number): Record<string, unknown> =>
      Array.from({ length: levels - 1 }).reduce<Record<string, unknown>>((inner) => ({ items: inner }), {});
    // Three levels stand around a tool's schema, two around a format's.
    expect(prepare({ tools: [tool("a", nest(97))] }).tools).toHaveLength(1);
    expect(refusal({ tools: [tool("a", nest(98))] })).toMatchObject({ code: "invalid_request", param: "tools" });
    expect(prepare({ response_format: format(nest(98), true) }).outputSchema).toBeDefined();
    const deep = { response_format: format(nest(20_000), true) };
    expect(refusal(deep)).toMatchObject({ code: "invalid_request", param: "response_format" });
  });

  it("offers no tools with a tool choice of none", () => {
    expect(prepare({ tools: [tool("a")], tool_choice: "none" }).tools).toEqual([]);
  });

  it("takes stop texts in both forms, without empty ones", () => {
    expect(prepare({ stop: "END" }).stop).toEqual(["END"]);
    expect(prepare({ stop: ["", "A"] }).stop).toEqual(["A"]);
    expect(prepare({ stop: Array.from({ length: 16 }, () => "x".repeat(256)) }).stop).toHaveLength(16);
  });
});
