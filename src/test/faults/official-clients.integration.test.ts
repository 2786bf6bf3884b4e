import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProxyHarness, type ProxyHarness } from "../proxy-harness.ts";
import { API_FAULTS } from "./catalogue/all.ts";
import { apiRuns, type FaultRun } from "./fault-case.ts";
import { startFaultUpstreams, type FaultUpstreams } from "./fault-upstreams.ts";
import { LONG_CLOCKS } from "./proxy-settings.ts";

/** Faults without a clock and of a bearable size; the other suite has all. */
const SKIPPED = new Set(["ten-megabytes", "seventeen-megabytes", "long-error", "stall-in-failure", "hang-after-end"]);
const runs = API_FAULTS.flatMap(({ faults }) => faults)
  .filter(({ id, clocks }) => clocks === undefined && !SKIPPED.has(id))
  .flatMap(apiRuns);
const messages = [{ role: "user" as const, content: "Say hello" }];

let upstreams: FaultUpstreams;
let proxy: ProxyHarness;

beforeAll(async () => {
  upstreams = await startFaultUpstreams();
  proxy = await startProxyHarness({ ...upstreams.env, ...LONG_CLOCKS });
}, 120_000);

afterAll(async () => {
  await proxy.close();
  await upstreams.close();
});

/** What a client makes of a run: the text of a whole answer, or the code of the error that it throws. */
async function ask(run: FaultRun, client: (run: FaultRun) => Promise<string>): Promise<string> {
  return await client(run).then(
    (text) => `answer: ${text}`,
    (error: unknown) => `error: ${readCode(error)}`,
  );
}

const expected = (run: FaultRun): string =>
  run.expect.gets === "answer" ? `answer: ${run.answer}` : `error: ${run.expect.code}`;

function readCode(error: unknown): string {
  if (error instanceof OpenAI.APIError) return String(error.code);
  // The AI SDK keeps the body of a failed answer, and throws the payload of an error frame as it is.
  const { responseBody, code, message } = error as { responseBody?: string; code?: string; message?: string };
  if (responseBody !== undefined) return (JSON.parse(responseBody) as { error: { code: string } }).error.code;
  return code ?? String(message);
}

const byName = async (client: (run: FaultRun) => Promise<string>, chosen: readonly FaultRun[]) =>
  Object.fromEntries(
    await Promise.all(chosen.map(async (run) => [`${run.provider}, ${run.faultId}`, await ask(run, client)] as const)),
  );
const expectedByName = (chosen: readonly FaultRun[]) =>
  Object.fromEntries(chosen.map((run) => [`${run.provider}, ${run.faultId}`, expected(run)]));
const streamed = runs.filter(({ mode }) => mode === "streamed");
const whole = runs.filter(({ mode }) => mode === "whole");

describe("the official openai package", () => {
  const client = () => new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey, maxRetries: 0 });
  const optional = ({ choices }: FaultRun) => (choices === undefined ? {} : { n: choices });

  it("throws every failure of a stream, with its code, and never ends silently", async () => {
    const read = async (run: FaultRun): Promise<string> => {
      let text = "";
      const request = { model: run.model, messages, stream: true as const, ...optional(run) };
      for await (const chunk of await client().chat.completions.create(request)) {
        text += chunk.choices.find(({ index }) => index === 0)?.delta.content ?? "";
      }
      return text;
    };
    expect(await byName(read, streamed)).toEqual(expectedByName(streamed));
  });

  it("throws every failure out of its stream helper", async () => {
    const read = async (run: FaultRun): Promise<string> => {
      const stream = client().chat.completions.stream({ model: run.model, messages, ...optional(run) });
      return (await stream.finalChatCompletion()).choices[0]?.message.content ?? "";
    };
    expect(await byName(read, streamed)).toEqual(expectedByName(streamed));
  });

  it("throws every failure of a whole answer", async () => {
    const read = async (run: FaultRun): Promise<string> => {
      const completion = await client().chat.completions.create({ model: run.model, messages, ...optional(run) });
      return completion.choices[0]?.message.content ?? "";
    };
    expect(await byName(read, whole)).toEqual(expectedByName(whole));
  });
});

describe("the AI SDK", () => {
  const model = (run: FaultRun) =>
    createOpenAICompatible({ name: "codewise", baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey })(run.model);
  // It has no `n`.
  const single = ({ choices }: FaultRun): boolean => choices === undefined;

  it("reports every failure of a stream", async () => {
    const read = async (run: FaultRun): Promise<string> => {
      let failure: unknown;
      const onError = ({ error }: { error: unknown }): void => {
        failure = error;
      };
      const result = streamText({ model: model(run), messages, maxRetries: 0, onError });
      let text = "";
      for await (const part of result.textStream) text += part;
      if (failure !== undefined) throw failure;
      return text;
    };
    const chosen = streamed.filter(single);
    expect(await byName(read, chosen)).toEqual(expectedByName(chosen));
  });

  it("throws every failure of a whole answer", async () => {
    const read = async (run: FaultRun): Promise<string> =>
      (await generateText({ model: model(run), messages, maxRetries: 0 })).text;
    const chosen = whole.filter(single);
    expect(await byName(read, chosen)).toEqual(expectedByName(chosen));
  });
});
