import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { anthropicEvents, anthropicFrames } from "../../src/test/fake-anthropic-server.ts";
import { openAIFrames } from "../../src/test/fake-openai-server.ts";
import type { Mount } from "./mount.ts";

const messages = [{ role: "user" as const, content: "Say hello" }];

/** The official `openai` package, for a provider that is translated and one that is passed through. */
export function testOpenAIClient(mount: () => Mount): void {
  const connect = (apiKey = mount().apiKey): OpenAI =>
    new OpenAI({ baseURL: `${mount().url}/v1`, apiKey, maxRetries: 0 });

  describe.each(["claude-api/sonnet", "gpt-test"])("the official openai client with %s", (model) => {
    it("creates a whole completion with usage and a request id", async () => {
      const completion = await connect().chat.completions.create({ model, messages });
      expect(completion.choices[0]?.message.content).toBe("Hello there!");
      expect(completion.choices[0]?.finish_reason).toBe("stop");
      expect(completion.usage?.total_tokens).toBeGreaterThan(0);
      expect(completion._request_id).toMatch(/^req_/);
    });

    it("streams with the usage that it asked for", async () => {
      const stream = await connect().chat.completions.create({
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
      expect(usage?.total_tokens).toBeGreaterThan(0);
    });

    it("finishes the .stream() helper, which checks roles, finish reasons and order", async () => {
      const final = await connect().chat.completions.stream({ model, messages }).finalChatCompletion();
      expect(final.choices[0]?.message.content).toBe("Hello there!");
    });

    it("ends the upstream's work when it leaves in mid-stream", async () => {
      const { anthropic, openai } = mount().upstreams;
      const [fake, frames] =
        model === "gpt-test"
          ? [openai, openAIFrames().slice(0, 2)]
          : [anthropic, anthropicFrames(anthropicEvents()).slice(0, 4)];
      const before = fake.requests.length;
      fake.enqueue({ steps: frames, end: "hang" });
      const stream = await connect().chat.completions.create({ model, messages, stream: true });
      for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
      stream.controller.abort();
      expect(await (await fake.request(before)).closed).toBe("cut");
    });

    it.each([true, false])("ends the upstream's work when it leaves before any answer (stream: %s)", async (stream) => {
      const { anthropic, openai } = mount().upstreams;
      const fake = model === "gpt-test" ? openai : anthropic;
      const before = fake.requests.length;
      fake.enqueue({ fail: "hang" });
      const abort = new AbortController();
      const failed = connect()
        .chat.completions.create({ model, messages, stream }, { signal: abort.signal })
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      const request = await fake.request(before);
      abort.abort();
      expect(await failed).toBeInstanceOf(OpenAI.APIUserAbortError);
      expect(await request.closed).toBe("cut");
    });

    it("throws out of its loop when the upstream breaks in mid-stream", async () => {
      const { anthropic, openai } = mount().upstreams;
      if (model === "gpt-test") openai.enqueue({ steps: openAIFrames().slice(0, 3), end: "drop" });
      else anthropic.enqueue({ steps: anthropicFrames(anthropicEvents()).slice(0, 5), end: "drop" });
      const stream = await connect().chat.completions.create({ model, messages, stream: true });
      const read = async (): Promise<void> => {
        for await (const chunk of stream) expect(chunk.object).toBe("chat.completion.chunk");
      };
      await expect(read()).rejects.toThrow(OpenAI.APIError);
    });
  });

  describe("models, for the official openai client", () => {
    it("are listed and retrieved, also by ids with a slash", async () => {
      const ids: string[] = [];
      for await (const model of connect().models.list()) ids.push(model.id);
      expect(ids).toEqual(expect.arrayContaining(["sonnet", "gpt-test"]));
      expect(await connect().models.retrieve("openai/gpt-test")).toMatchObject({ object: "model" });
      await expect(connect().models.retrieve("no-such")).rejects.toThrow(OpenAI.NotFoundError);
      await expect(connect("cw_wrong").models.list()).rejects.toThrow(OpenAI.AuthenticationError);
    });
  });
}
