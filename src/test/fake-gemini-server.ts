import {
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedReply,
  type ScriptedServer,
} from "./fake-scripted-server.ts";

/** The model that the answers name as theirs, whatever was asked for. */
export const FAKE_GEMINI_MODEL = "gemini-fake-001";

/** The tokens that every canned answer reports. */
export const FAKE_GEMINI_USAGE = {
  promptTokenCount: 100,
  candidatesTokenCount: 20,
  cachedContentTokenCount: 40,
  thoughtsTokenCount: 7,
  totalTokenCount: 127,
};

type Part = Readonly<Record<string, unknown>>;

export interface CannedAnswer {
  /** Texts, one chunk each. */
  readonly pieces?: readonly string[];
  /** Parts before the texts, such as thoughts, in a chunk of their own. */
  readonly before?: readonly Part[];
  /** Parts of the last chunk, such as calls. */
  readonly after?: readonly Part[];
  /** `null`: the stream ends without one. */
  readonly finishReason?: string | null;
}

function chunk(parts: readonly Part[], finishReason: string | null): Part {
  const candidate = { content: { role: "model", parts }, index: 0, ...(finishReason === null ? {} : { finishReason }) };
  return {
    candidates: [candidate],
    usageMetadata: FAKE_GEMINI_USAGE,
    modelVersion: FAKE_GEMINI_MODEL,
    responseId: "fake",
  };
}

/** The chunks of `streamGenerateContent` (ai.google.dev/api/generate-content), the last one with the finish reason. */
export function geminiChunks({
  pieces = ["Hello", "! This is ", "a plain answer", "."],
  before = [],
  after = [],
  finishReason = "STOP",
}: CannedAnswer = {}): readonly Part[] {
  return [
    ...(before.length === 0 ? [] : [chunk(before, null)]),
    ...pieces.map((text) => chunk([{ text }], null)),
    ...(after.length > 0 || finishReason !== null ? [chunk(after, finishReason)] : []),
  ];
}

/** One event. These line ends must be escaped: the CLI's reader of events, a pattern with `.`, does not get over them. */
export function geminiFrame(value: unknown): string {
  const json = JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  return `data: ${json}\r\n\r\n`;
}

/** A whole answer as it is streamed. */
export function geminiStream(answer: CannedAnswer = {}): ScriptedReply {
  return { steps: geminiChunks(answer).map(geminiFrame) };
}

/** A failure as the API tells it (google.rpc.Status). */
export function geminiError(
  code: number,
  status: string,
  message: string,
  details: readonly Part[] = [],
): ScriptedReply {
  return { status: code, json: { error: { code, message, status, details } } };
}

/** An API that speaks `streamGenerateContent`. Requests of other methods, such as `countTokens`, are answered aside. */
export function startFakeGeminiServer(fallback: (request: ReceivedRequest) => ScriptedReply): Promise<ScriptedServer> {
  return startScriptedServer({
    fallback,
    aside: ({ path }) => {
      if (path.includes(":streamGenerateContent")) return undefined;
      if (path.includes(":countTokens")) return { json: { totalTokens: 10 } };
      if (!path.includes(":generateContent")) return { status: 404, json: {} };
      // The CLI's router, which wants a score.
      const text = JSON.stringify({ complexity_reasoning: "a greeting", complexity_score: 1 });
      return { json: chunk([{ text }], "STOP") };
    },
  });
}
