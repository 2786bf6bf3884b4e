/** The canned bytes of the mock upstream: what OpenAI sends, at its usual sizes. Pure. */

const HEAD = '"id":"chatcmpl-bench0123456789abcdefghijklmnop","created":1764000000,"model":"bench-model"';
const USAGE =
  '{"prompt_tokens":25,"completion_tokens":12,"total_tokens":37,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}';

/** The text of a whole answer. */
export const ANSWER_TEXT = "bench-answer: the quick brown fox jumps over the lazy dog.";
export const USAGE_TOKENS = { prompt: 25, completion: 12 } as const;

/** About 550 bytes. */
const completion = `{${HEAD},"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"${ANSWER_TEXT}","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":${USAGE},"service_tier":"default","system_fingerprint":"fp_bench0123"}`;

export const wholeAnswer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: ${completion.length}\r\n\r\n${completion}`,
);

export const streamHead = Buffer.from(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\nx-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n",
);

const CHUNK_HEAD = `data: {${HEAD},"object":"chat.completion.chunk","service_tier":"default","system_fingerprint":"fp_bench0123","choices":[{"index":0,"delta":`;
const CHUNK_TAIL = `,"logprobs":null,"finish_reason":null}],"obfuscation":"0123456789"}\n\n`;
const STAMP_DIGITS = 19;

/** The text of a chunk: `@<nanoseconds> `, the monotonic clock when it was made, which all processes of a machine share. */
export function stampText(nanoseconds: bigint): string {
  return `@${nanoseconds.toString().padStart(STAMP_DIGITS, "0")} `;
}

/** One framed chunk of a stream, about 310 bytes, with a stamp as its text. */
export function stampedChunk(nanoseconds: bigint, isFirst: boolean): string {
  const role = isFirst ? '"role":"assistant",' : "";
  return frame(`${CHUNK_HEAD}{${role}"content":"${stampText(nanoseconds)}"}${CHUNK_TAIL}`);
}

/** What ends a stream: finish reason, usage where it was asked for, `[DONE]`, the last HTTP chunk. */
export function streamEnd(includeUsage: boolean): string {
  const finish = `${CHUNK_HEAD}{},"logprobs":null,"finish_reason":"stop"}]}\n\n`;
  const usage = `data: {${HEAD},"object":"chat.completion.chunk","choices":[],"usage":${USAGE}}\n\n`;
  return `${frame(`${finish}${includeUsage ? usage : ""}data: [DONE]\n\n`)}0\r\n\r\n`;
}

function frame(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`;
}
