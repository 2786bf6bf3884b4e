/** The parts of Anthropic's Messages API that are sent or read here (platform.claude.com/docs, Messages and Streaming). */

export interface ClaudeTextBlock {
  readonly type: "text";
  readonly text: string;
}
export type ClaudeImageSource =
  | { readonly type: "base64"; readonly media_type: string; readonly data: string }
  | { readonly type: "url"; readonly url: string };
export interface ClaudeImageBlock {
  readonly type: "image";
  readonly source: ClaudeImageSource;
}
export interface ClaudeThinkingBlock {
  readonly type: "thinking";
  readonly thinking: string;
  readonly signature: string;
}
export interface ClaudeToolUseBlock {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: Record<string, unknown>;
}
export interface ClaudeToolResultBlock {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content: string | readonly (ClaudeTextBlock | ClaudeImageBlock)[];
  readonly is_error?: boolean;
}
export type ClaudeContentBlock =
  | ClaudeTextBlock
  | ClaudeImageBlock
  | ClaudeThinkingBlock
  | ClaudeToolUseBlock
  | ClaudeToolResultBlock;

export interface ClaudeMessage {
  readonly role: "user" | "assistant";
  readonly content: readonly ClaudeContentBlock[];
}

export interface ClaudeTool {
  readonly name: string;
  readonly description?: string;
  readonly input_schema: Record<string, unknown>;
}

export interface ClaudeRequestBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly system?: readonly ClaudeTextBlock[];
  readonly messages: readonly ClaudeMessage[];
  readonly tools?: readonly ClaudeTool[];
  readonly tool_choice?: Record<string, unknown>;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly stop_sequences?: readonly string[];
  readonly thinking?: Record<string, unknown>;
  readonly output_config?: Record<string, unknown>;
  readonly metadata?: { readonly user_id: string };
  readonly stream?: boolean;
}
