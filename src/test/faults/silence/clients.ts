import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { streamText } from "ai";
import OpenAI from "openai";
import { Agent } from "undici";

export interface ClientOptions {
  /** With `/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  /** Longest silence that the client bears, in milliseconds; its own default where it is left out. */
  readonly patienceMs?: number;
}

/** Streams one answer and gives its text; rejects where the client gives up. None tries again. */
type SilenceClient = (options: ClientOptions) => Promise<string>;

const PROMPT = "Say hello";
const messages = [{ role: "user" as const, content: PROMPT }];

/** Node's own fetch: by default it gives up after 300 s without headers, and 300 s without a byte of the body. */
const nodeFetch: SilenceClient = async (options) => {
  const answer = await patientFetch(options)(`${options.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${options.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model: options.model, messages, stream: true }),
  });
  const payloads = [...(await answer.text()).matchAll(/^data: (.*)$/gm)].map((match) => match[1] ?? "");
  if (payloads.at(-1) !== "[DONE]") throw new Error(`the stream did not end in [DONE]: ${payloads.at(-1)}`);
  const chunks = payloads.slice(0, -1).map((payload) => JSON.parse(payload) as OpenAI.ChatCompletionChunk);
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
};

const openaiNode: SilenceClient = async (options) => {
  const { baseUrl: baseURL, apiKey, model } = options;
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, fetch: patientFetch(options) });
  let text = "";
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? "";
  }
  return text;
};

const aiSdk: SilenceClient = async (options) => {
  const { baseUrl: baseURL, apiKey, model } = options;
  const provider = createOpenAICompatible({ name: "codewise", baseURL, apiKey, fetch: patientFetch(options) });
  let failure: unknown;
  const result = streamText({
    model: provider(model),
    prompt: PROMPT,
    maxRetries: 0,
    onError: ({ error }) => {
      failure = error;
    },
  });
  let text = "";
  for await (const part of result.textStream) text += part;
  if (failure !== undefined) throw new Error("the AI SDK reported an error", { cause: failure });
  return text;
};

/** The clients that run in this process. */
export const NODE_CLIENTS: Readonly<Record<string, SilenceClient>> = {
  "Node fetch": nodeFetch,
  "openai-node": openaiNode,
  "the AI SDK": aiSdk,
};

/** openai-python, by an interpreter that has it. */
export function createPythonClient(python: string): SilenceClient {
  return async ({ baseUrl, apiKey, model, patienceMs }) => {
    const program = join(import.meta.dirname, "client.py");
    const patience = patienceMs === undefined ? [] : [String(patienceMs / 1000)];
    const { stdout } = await promisify(execFile)(python, [program, baseUrl, apiKey, model, ...patience]);
    return (JSON.parse(stdout) as { text: string }).text;
  };
}

function patientFetch({ patienceMs }: ClientOptions): typeof fetch {
  if (patienceMs === undefined) return fetch;
  const dispatcher = new Agent({ headersTimeout: patienceMs, bodyTimeout: patienceMs });
  // The option is undici's, which Node's fetch is made of.
  return (input, init) => fetch(input, { ...init, dispatcher } as RequestInit);
}
