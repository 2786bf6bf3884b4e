import { isFields, type Fields } from "../../../src/lib/openai/fields.ts";
import type { Dialect } from "./dialect.ts";

const USAGE = {
  promptTokenCount: 300,
  candidatesTokenCount: 15,
  cachedContentTokenCount: 200,
  totalTokenCount: 315,
};

/** Google's Gemini API. */
export const gemini: Dialect = {
  matches: (method, path) => method === "POST" && path.includes(":streamGenerateContent"),
  read: (body) => ({
    system: isFields(body["systemInstruction"]) ? textOf(body["systemInstruction"]) : "",
    turns: (Array.isArray(body["contents"]) ? body["contents"].filter(isFields) : []).map((content) => ({
      role: content["role"] === "model" ? ("assistant" as const) : ("user" as const),
      text: textOf(content),
      images: partsOf(content).filter((part) => isFields(part["inlineData"])).length,
    })),
  }),
  frames: (pieces) => ({
    text: pieces.map((text) => frame({ content: { role: "model", parts: [{ text }] }, index: 0 })),
    end: [frame({ content: { role: "model", parts: [{ text: "" }] }, finishReason: "STOP", index: 0 }, USAGE)],
  }),
  callFrames: (calls) => [
    frame(
      {
        content: { role: "model", parts: calls.map(({ name, input }) => ({ functionCall: { name, args: input } })) },
        finishReason: "STOP",
        index: 0,
      },
      USAGE,
    ),
  ],
  error: (status) => ({ error: { code: status, message: "as ordered", status: STATUS_NAMES[status] ?? "UNKNOWN" } }),
  usage: { prompt_tokens: USAGE.promptTokenCount, completion_tokens: USAGE.candidatesTokenCount },
};

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
};

function frame(candidate: Fields, usageMetadata: Fields = { promptTokenCount: USAGE.promptTokenCount }): string {
  return `data: ${JSON.stringify({ candidates: [candidate], usageMetadata, modelVersion: "gemini-fake" })}\r\n\r\n`;
}

function partsOf({ parts }: Fields): readonly Fields[] {
  return Array.isArray(parts) ? parts.filter(isFields) : [];
}

function textOf(content: Fields): string {
  return partsOf(content)
    .map(({ text }) => (typeof text === "string" ? text : ""))
    .join("");
}
