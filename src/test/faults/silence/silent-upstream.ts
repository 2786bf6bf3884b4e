import { OPENAI } from "../dialect.ts";
import { begun, body, chunk, LAST_CHUNK, SSE_HEAD, wholeStream } from "../scripts.ts";
import { startWireServer, type WireServer } from "../wire-server.ts";

/** When the upstream falls silent: before its headers, after them, or in the middle of the answer. */
export const SILENCES = ["before-headers", "before-output", "in-mid-answer"] as const;
export type Silence = (typeof SILENCES)[number];

export const modelOf = (silence: Silence): string => `openai/${silence}`;

/** An OpenAI-type upstream that says nothing for `ms`, not even a comment, and then goes on as if nothing had been. */
export function startSilentUpstream(ms: number): Promise<WireServer> {
  return startWireServer(({ method, model }) => {
    if (method === "GET") return body('{"data":[]}');
    const frames = wholeStream(OPENAI);
    const before = model.endsWith("in-mid-answer") ? begun(OPENAI).length : 0;
    const silence = { pauseMs: ms };
    const rest = [...frames.slice(before).map(chunk), LAST_CHUNK];
    if (model.endsWith("before-headers")) return { steps: [silence, SSE_HEAD, ...rest], end: "keep" };
    return { steps: [SSE_HEAD, ...frames.slice(0, before).map(chunk), silence, ...rest], end: "keep" };
  });
}
