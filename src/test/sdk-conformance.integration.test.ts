import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  FAKE_ANTHROPIC_USAGE,
  anthropicEvents,
  anthropicFrames,
  startFakeAnthropicServer,
  type FakeAnthropicServer,
} from "./fake-anthropic-server.ts";
import { startFakeOpenAIServer, openAIPayloads, type FakeOpenAIServer } from "./fake-openai-server.ts";
import { startProxyHarness, type ProxyHarness } from "./proxy-harness.ts";

let anthropic: FakeAnthropicServer;
let upstream: FakeOpenAIServer;
let proxy: ProxyHarness;
let client: OpenAI;

beforeAll(async () => {
  [anthropic, upstream] = await Promise.all([startFakeAnthropicServer(), startFakeOpenAIServer()]);
  proxy = await startProxyHarness({
    ANTHROPIC_API_KEY: "sk-ant-fake",
    ANTHROPIC_BASE_URL: anthropic.baseUrl,
    OPENAI_API_KEY: "sk-fake",
    OPENAI_BASE_URL: upstream.baseUrl,
  });
  client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey, maxRetries: 0 });
});

afterAll(async () => {
  await proxy.close();
  await Promise.all([anthropic.close(), upstream.close()]);
});

const messages = [{ role: "user" as const, content: "Say hello" }];
const promptTokens =
  FAKE_ANTHROPIC_USAGE.input_tokens +
  FAKE_ANTHROPIC_USAGE.cache_creation_input_tokens +
  FAKE_ANTHROPIC_USAGE.cache_read_input_tokens;

describe.each(["sonnet", "gpt-test"])("the official openai package with %s", (model) => {
  it("creates a whole completion with usage and a request id", async () => {
    const completion = await client.chat.completions.create({ model, messages });
    expect(completion.choices[0]?.message.content).toBe("Hello there!");
    expect(completion.choices[0]?.finish_reason).toBe("stop");
    expect(completion.usage?.total_tokens).toBeGreaterThan(0);
    expect(completion._request_id).toMatch(/^req_/);
  });

  it("streams chunks and the usage it asked for", async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe("Hello there!");
    expect(usage?.prompt_tokens).toBe(model === "sonnet" ? promptTokens : 11);
  });

  it("serves the .stream() helper, which checks roles, finish reasons and chunk order", async () => {
    const final = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe("Hello there!");
  });

  it("lets a client break out of its loop, which ends the upstream's work", async () => {
    const fake = model === "sonnet" ? anthropic : upstream;
    const before = fake.requests.length;
    const frames =
      model === "sonnet"
        ? anthropicFrames(anthropicEvents()).slice(0, 4)
        : openAIPayloads()
            .slice(0, 2)
            .map((payload) => `data: ${payload}\n\n`);
    fake.enqueue({ steps: frames, end: "hang" });
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    stream.controller.abort();
    expect(await (await fake.request(before)).closed).toBe("cut");
  });
});

describe("errors as the official openai package sees them", () => {
  const failure = async (run: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> =>
    await run.then(
      () => Promise.reject(new Error("expected a failure")),
      (error: InstanceType<typeof OpenAI.APIError>) => error,
    );

  it("is an AuthenticationError for a wrong key", async () => {
    const stranger = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: "cw_wrong", maxRetries: 0 });
    const error = await failure(stranger.models.list());
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error.code).toBe("invalid_api_key");
    expect(error.requestID).toMatch(/^req_/);
  });

  it("is a NotFoundError for an unknown model", async () => {
    const error = await failure(client.chat.completions.create({ model: "no-such", messages }));
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error.code).toBe("model_not_found");
  });

  it("is a BadRequestError that names the parameter", async () => {
    const error = await failure(client.chat.completions.create({ model: "sonnet", messages: [] }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error.param).toBe("messages");
  });

  it("is a RateLimitError with the upstream's time to wait", async () => {
    anthropic.enqueue({
      json: { type: "error", error: { type: "rate_limit_error", message: "slow down" } },
      status: 429,
      headers: { "retry-after": "7" },
    });
    const error = await failure(client.chat.completions.create({ model: "sonnet", messages, stream: true }));
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error.headers?.get("retry-after")).toBe("7");
  });

  it("never shows the upstream's 401 as the client's own", async () => {
    anthropic.enqueue({
      json: { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } },
      status: 401,
    });
    const error = await failure(client.chat.completions.create({ model: "sonnet", messages }));
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error.code).toBe("upstream_unauthorized");
  });

  it("throws out of the loop when the upstream breaks in mid-stream", async () => {
    anthropic.enqueue({ steps: anthropicFrames(anthropicEvents()).slice(0, 5), end: "drop" });
    const stream = await client.chat.completions.create({ model: "sonnet", messages, stream: true });
    const read = async (): Promise<string> => {
      let text = "";
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
      return text;
    };
    expect(await failure(read())).toBeInstanceOf(OpenAI.APIError);
  });
});

describe("unknown fields", () => {
  it("reach an OpenAI-type upstream untouched, and are named as dropped where they cannot be honoured", async () => {
    const before = upstream.requests.length;
    const extra = { model: "gpt-test", messages, future_field: { deep: [1, "two"] }, seed: 7 };
    await client.chat.completions.create(extra as OpenAI.ChatCompletionCreateParamsNonStreaming);
    expect((await upstream.request(before)).body).toMatchObject({ future_field: { deep: [1, "two"] }, seed: 7 });

    const { response } = await client.chat.completions
      .create({ ...extra, model: "sonnet" } as OpenAI.ChatCompletionCreateParamsNonStreaming)
      .withResponse();
    const dropped = response.headers.get("x-codewise-dropped-params")?.split(", ") ?? [];
    expect(dropped.toSorted()).toEqual(["future_field", "seed"]);
  });
});

describe("models", () => {
  it("are listed and retrieved through the package", async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toEqual(expect.arrayContaining(["sonnet", "opus", "haiku", "gpt-test"]));
    expect((await client.models.retrieve("openai/gpt-test")).owned_by).toBe("openai-test");
  });
});

describe.each(["sonnet", "gpt-test"])("the Vercel AI SDK with %s", (modelId) => {
  const model = () =>
    createOpenAICompatible({ name: "codewise", baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey, includeUsage: true })(
      modelId,
    );

  it("generates text", async () => {
    const result = await generateText({ model: model(), prompt: "Say hello", maxRetries: 0 });
    expect(result.text).toBe("Hello there!");
    expect(result.finishReason).toBe("stop");
  });

  it("streams text with usage", async () => {
    const result = streamText({ model: model(), prompt: "Say hello", maxRetries: 0 });
    let text = "";
    for await (const part of result.textStream) text += part;
    expect(text).toBe("Hello there!");
    expect((await result.usage).inputTokens).toBe(modelId === "sonnet" ? promptTokens : 11);
  });
});

describe("the row of a request", () => {
  it("is written with tokens, times and who served it", async () => {
    await client.chat.completions.create({ model: "sonnet", messages });
    const [row] = proxy.runtime.live.recent();
    expect(row).toMatchObject({
      keyName: "test",
      requestedModel: "sonnet",
      provider: "claude-api",
      status: 200,
      promptTokens,
      completionTokens: FAKE_ANTHROPIC_USAGE.output_tokens,
      cachedTokens: FAKE_ANTHROPIC_USAGE.cache_read_input_tokens,
      tokensEstimated: false,
    });
  });
});
