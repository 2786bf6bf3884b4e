import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChatRequest } from "../../src/lib/openai/chat.ts";
import { codexProgram, conversationOf, startRealCodex, type RealCodex, type SentBody } from "./harness.ts";
import { makePng } from "./make-png.ts";

const OTHER_MODEL = "gpt-of-tomorrow";
const withImages = (...urls: readonly string[]): Partial<ChatRequest> => ({
  messages: [{ role: "user", content: urls.map((url) => ({ type: "image_url", image_url: { url } })) }],
});

/** Addresses of the images in a body; its other content by its type. */
function imagesOf(body: SentBody | undefined): readonly unknown[] {
  return conversationOf(body)
    .flatMap((item) => (item["content"] ?? item["output"]) as readonly Record<string, unknown>[])
    .map((part) => part["image_url"] ?? part["type"]);
}

describe.skipIf(codexProgram() === undefined)("images with codex", () => {
  let codex: RealCodex;
  beforeEach(async () => {
    codex = await startRealCodex();
  });
  afterEach(() => codex.close());

  it("of the greatest size that is taken are sent as they are, twenty of them too", async () => {
    const greatest = [makePng(3200, 3200), makePng(3168, 3232), makePng(6000, 16), makePng(16, 6000)];
    await codex.ask(withImages(...greatest));
    expect(imagesOf(codex.bodies()[0])).toEqual(greatest);
    const twenty = Array.from({ length: 20 }, (_, index) => makePng(1000 + index, 1000));
    await codex.ask(withImages(...twenty));
    expect(imagesOf(codex.bodies()[1])).toEqual(twenty);
  });

  it("of a model that the CLI does not know are sent as they are, or refused before anything is sent", async () => {
    const greatest = [makePng(1600, 1600), makePng(2048, 16), makePng(16, 2048)];
    await codex.ask({ ...withImages(...greatest), model: OTHER_MODEL });
    expect(imagesOf(codex.bodies()[0])).toEqual(greatest);
    for (const large of [makePng(1601, 1600), makePng(2049, 16)]) {
      const error = await codex.fail({ ...withImages(large), model: OTHER_MODEL });
      expect(error).toMatchObject({ code: "unsupported_parameter", failover: true });
    }
    expect(codex.upstream.requests).toHaveLength(1);
  });

  it("under the name of another format are sent under their own, unchanged", async () => {
    const png = makePng(10, 10);
    await codex.ask(withImages(png.replace("image/png", "image/jpg"), png.replace("data:image/png", "DATA:IMAGE/PNG")));
    expect(imagesOf(codex.bodies()[0])).toEqual([png, png]);
  });

  it("are answered with every detail, those that the API does not know left out", async () => {
    const content = ["auto", "low", "high", "original", "utmost"].map((detail) => ({
      type: "image_url" as const,
      image_url: { url: makePng(10, 10), detail },
    }));
    await codex.ask({ messages: [{ role: "user", content }] });
    expect(imagesOf(codex.bodies()[0])).toEqual(content.map(({ image_url: { url } }) => url));
  });

  it("in a tool's result are sent as they are", async () => {
    const call = { id: "c1", type: "function" as const, function: { name: "f", arguments: "{}" } };
    const result = makePng(2000, 2000);
    await codex.ask({
      messages: [
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: "c1", content: [{ type: "image_url", image_url: { url: result } }] },
      ],
    });
    const output = conversationOf(codex.bodies()[0]).find(({ type }) => type === "function_call_output")?.["output"];
    expect(output).toEqual([expect.objectContaining({ type: "input_image", image_url: result })]);
  });

  it("that the CLI cannot decode are refused before anything is sent, wherever they stand", async () => {
    const start = "data:image/png;base64,";
    const broken = makePng(1000, 1000).slice(0, start.length + 80);
    const content = [{ type: "image_url" as const, image_url: { url: broken } }];
    const call = { id: "c1", type: "function" as const, function: { name: "f", arguments: "{}" } };
    const conversations: ChatRequest["messages"][] = [
      [{ role: "user", content: [{ type: "text", text: "look" }, ...content] }],
      [
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: "c1", content },
      ],
    ];
    for (const messages of conversations) {
      expect(await codex.fail({ messages })).toMatchObject({ code: "unsupported_parameter", failover: true });
    }
    expect(codex.upstream.requests).toEqual([]);
    // The process serves on.
    expect((await codex.ask(withImages(makePng(10, 10)))).text).toBe("Hello there!");
  });
});
