/** The parts of `Content` (ai.google.dev/api/caching#Content) that a chat conversation has. */
export type GeminiPart =
  | { readonly text: string }
  | { readonly inlineData: { readonly mimeType: string; readonly data: string } }
  | {
      readonly functionCall: {
        readonly id: string;
        readonly name: string;
        readonly args: Readonly<Record<string, unknown>>;
      };
    }
  | {
      readonly functionResponse: {
        readonly id: string;
        readonly name: string;
        readonly response: { readonly output: string };
      };
    };

/** One turn. */
export interface GeminiContent {
  readonly role: "user" | "model";
  readonly parts: readonly GeminiPart[];
}
