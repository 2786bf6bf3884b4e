import { z } from "zod";
import type { Fields } from "../../openai/fields.ts";
import type { PromptBlock } from "./session-file.ts";

/** The lines of the Agent Client Protocol, version 1 (agentclientprotocol.com), as far as they are used here. */

export const INITIALIZE_ID = 1;
export const LOAD_ID = 2;
export const MODEL_ID = 3;
export const PROMPT_ID = 4;

const updateSchema = z.looseObject({
  sessionUpdate: z.string(),
  content: z.unknown().optional(),
});

/** `session/update`. */
export const updateParamsSchema = z.looseObject({ update: updateSchema });
export const textContentSchema = z.looseObject({ type: z.literal("text"), text: z.string() });

const tokenCountSchema = z.looseObject({
  input_tokens: z.int().nonnegative(),
  output_tokens: z.int().nonnegative(),
});

/** The result of `session/prompt`. */
export const promptResultSchema = z.looseObject({
  stopReason: z.string(),
  _meta: z
    .looseObject({
      quota: z
        .looseObject({
          token_count: tokenCountSchema.nullish(),
          model_usage: z.array(z.looseObject({ model: z.string() })).nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
export type PromptResult = z.infer<typeof promptResultSchema>;

export const rpcErrorSchema = z.looseObject({ code: z.number(), message: z.string(), data: z.unknown().optional() });
export type RpcError = z.infer<typeof rpcErrorSchema>;

function line(id: number, method: string, params: Fields): string {
  return `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
}

/** Neither files nor terminals are offered, so the CLI asks for none. */
export function initializeLine(): string {
  return line(INITIALIZE_ID, "initialize", { protocolVersion: 1, clientCapabilities: {} });
}

export function loadLine(sessionId: string, cwd: string, mcpServers: readonly Fields[]): string {
  return line(LOAD_ID, "session/load", { sessionId, cwd, mcpServers });
}

export function modelLine(sessionId: string, modelId: string): string {
  return line(MODEL_ID, "session/set_model", { sessionId, modelId });
}

export function promptLine(sessionId: string, prompt: readonly PromptBlock[]): string {
  return line(PROMPT_ID, "session/prompt", { sessionId, prompt });
}
