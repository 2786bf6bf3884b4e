import {
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedReply,
  type ScriptedServer,
} from "./fake-scripted-server.ts";

export interface FakeOpenAIServer extends ScriptedServer {
  /** With `/v1`, as `OPENAI_BASE_URL` has it. */
  readonly baseUrl: string;
}

export interface FakeOpenAIServerOptions {
  /** Ids that `GET /v1/models` lists. */
  readonly models?: readonly string[];
}

/** The tokens that every canned answer reports. */
export const FAKE_OPENAI_USAGE = {
  prompt_tokens: 11,
  completion_tokens: 4,
  total_tokens: 15,
  prompt_tokens_details: { cached_tokens: 3, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 1, audio_tokens: 0 },
};

/**
 * A stand-in for the OpenAI API: `GET /v1/models` and, scripted by `enqueue`, `POST /v1/chat/completions`. A request
 * without a script gets "Hello there!" in the form it asked for.
 */
export async function startFakeOpenAIServer(options: FakeOpenAIServerOptions = {}): Promise<FakeOpenAIServer> {
  const models = options.models ?? ["gpt-test"];
  const data = models.map((id) => ({ id, object: "model", created: 1_700_000_000, owned_by: "openai-test" }));
  const server = await startScriptedServer({
    fallback: answerPlainly,
    aside: ({ method, path }) =>
      method === "GET" && path === "/v1/models" ? { json: { object: "list", data } } : undefined,
  });
  return { ...server, baseUrl: `${server.origin}/v1` };
}

function answerPlainly({ body }: ReceivedRequest): ScriptedReply {
  const { stream, model } = body as { stream?: boolean; model?: string };
  if (!stream)
    return { json: openAICompletion({ model: model ?? "gpt-test" }), headers: { "x-request-id": "req_fake" } };
  return { steps: openAIFrames({ model: model ?? "gpt-test" }), headers: { "x-request-id": "req_fake" } };
}

export interface CannedAnswer {
  /** The text, in the pieces that are streamed. */
  readonly pieces?: readonly string[];
  readonly model?: string;
}

const PIECES = ["Hello", " there", "!"];

/** A `chat.completion` as OpenAI sends it. */
export function openAICompletion({ pieces = PIECES, model = "gpt-test" }: CannedAnswer = {}): Record<string, unknown> {
  return {
    id: "chatcmpl-fake",
    object: "chat.completion",
    created: 1_700_000_000,
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: pieces.join(""), refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: FAKE_OPENAI_USAGE,
    service_tier: "default",
    system_fingerprint: "fp_fake",
  };
}

/** The payloads of a stream as OpenAI sends it with `include_usage`, without `[DONE]`. */
export function openAIPayloads({ pieces = PIECES, model = "gpt-test" }: CannedAnswer = {}): string[] {
  const envelope = {
    id: "chatcmpl-fake",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model,
    service_tier: "default",
    system_fingerprint: "fp_fake",
  };
  const chunk = (delta: Record<string, unknown>, finishReason: string | null): string =>
    JSON.stringify({
      ...envelope,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      usage: null,
      obfuscation: "x1",
    });
  return [
    chunk({ role: "assistant", content: "", refusal: null }, null),
    ...pieces.map((content) => chunk({ content }, null)),
    chunk({}, "stop"),
    JSON.stringify({ ...envelope, choices: [], usage: FAKE_OPENAI_USAGE, obfuscation: "" }),
  ];
}

/** The frames of a whole stream, `[DONE]` included. */
export function openAIFrames(answer: CannedAnswer = {}): string[] {
  return [...openAIPayloads(answer), "[DONE]"].map((payload) => `data: ${payload}\n\n`);
}
