import type { WireAnswer } from "./wire-client.ts";

export interface SeenError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string;
}

/** What an answer says, and in what it breaks the rules that every answer keeps. */
export interface SeenAnswer {
  /** The text of the first choice. */
  readonly text: string;
  readonly finishReason: string | undefined;
  readonly error: SeenError | undefined;
  /** Whether `[DONE]` came. */
  readonly done: boolean;
  /** Broken rules, in words; empty for an honest answer. */
  readonly problems: readonly string[];
}

interface Choice {
  readonly index?: number;
  readonly delta?: { readonly content?: string | null };
  readonly message?: { readonly content?: string | null };
  readonly finish_reason?: string | null;
}

interface Payload {
  readonly choices?: readonly Choice[];
  readonly error?: SeenError;
}

const ERROR_KEYS = "code,message,param,type";
const ALLOWED_COMMENT = ": keepalive";

/** Takes an answer apart, stream or not, and checks what holds for all of them. */
export function readAnswer(answer: WireAnswer): SeenAnswer {
  const isStream = String(answer.headers["content-type"]).startsWith("text/event-stream");
  const problems = isStream ? [] : checkWhole(answer);
  if (!answer.complete) problems.push("the body has no proper end");
  if (!/^req_[0-9a-f]{32}$/.test(String(answer.headers["x-request-id"]))) problems.push("no request id");
  return isStream ? readStream(answer, problems) : readWhole(answer, problems);
}

function checkWhole(answer: WireAnswer): string[] {
  const type = answer.headers["content-type"];
  return type === "application/json; charset=utf-8" ? [] : [`an unknown content type: ${String(type)}`];
}

function readWhole(answer: WireAnswer, problems: string[]): SeenAnswer {
  const payload = JSON.parse(answer.body.replace(/^\uFEFF/, "")) as Payload;
  const choice = payload.choices?.[0];
  if (payload.error !== undefined) checkError(payload.error, problems);
  if ((answer.status === 200) === (payload.error !== undefined)) problems.push("the status and the body disagree");
  return {
    text: choice?.message?.content ?? "",
    finishReason: choice?.finish_reason ?? undefined,
    error: payload.error,
    done: false,
    problems,
  };
}

function readStream(answer: WireAnswer, problems: string[]): SeenAnswer {
  const text: string[] = [];
  let finishReason: string | undefined;
  let error: SeenError | undefined;
  let done = false;
  if (answer.status !== 200) problems.push(`a stream with status ${answer.status}`);
  if (!answer.body.endsWith("\n\n")) problems.push("the stream ends within a frame");
  for (const frame of answer.body.split("\n\n").slice(0, -1)) {
    if (frame === ALLOWED_COMMENT) continue;
    if (done) problems.push("a frame after [DONE]");
    if (error !== undefined) problems.push("a frame after an error");
    if (!frame.startsWith("data: ") || /[\r\n]/.test(frame)) {
      problems.push(`not one line of data: ${frame.slice(0, 60)}`);
      continue;
    }
    if (frame === "data: [DONE]") {
      done = true;
      continue;
    }
    const payload = JSON.parse(frame.slice("data: ".length)) as Payload;
    if (payload.error !== undefined) {
      error = payload.error;
      checkError(error, problems);
    }
    const choice = payload.choices?.find(({ index }) => index === 0);
    text.push(choice?.delta?.content ?? "");
    finishReason = choice?.finish_reason ?? finishReason;
  }
  if (done && error !== undefined) problems.push("[DONE] and an error");
  if (!done && error === undefined) problems.push("neither [DONE] nor an error");
  if (done && finishReason === undefined) problems.push("[DONE] without a finish reason");
  return { text: text.join(""), finishReason, error, done, problems };
}

function checkError(error: SeenError, problems: string[]): void {
  if (Object.keys(error).toSorted().join(",") !== ERROR_KEYS) problems.push("an error without its four keys");
  if (typeof error.message !== "string" || error.message === "") problems.push("an error without a message");
  if (typeof error.code !== "string" || typeof error.type !== "string") problems.push("an error without code or type");
}
