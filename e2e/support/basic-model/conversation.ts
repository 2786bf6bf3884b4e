import type { Fields } from "../../../src/lib/openai/fields.ts";

/** What a model is asked, whatever dialect it came in. */
export interface Conversation {
  /** All that stands before the turns. */
  readonly system: string;
  readonly turns: readonly Turn[];
}

export interface Turn {
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly images: number;
}

/** What the model does about it. */
export type Answer =
  | { readonly kind: "text"; readonly pieces: readonly string[]; readonly end: "close" | "drop" | "hang" }
  | { readonly kind: "calls"; readonly calls: readonly OrderedCall[] }
  | { readonly kind: "error"; readonly status: number };

/** A tool that the model calls, offered or not. */
export interface OrderedCall {
  readonly name: string;
  readonly input: Fields;
}

/**
 * The last user text is an order: `say TEXT` says it in pieces, `stall TEXT` says it and goes silent, `drop TEXT` says it
 * and cuts the connection, `fail STATUS` refuses, and `turns` tells what was received, as JSON. `act CALLS` in any user text,
 * with a JSON list of {@link OrderedCall}, calls tools.
 */
export function obey(conversation: Conversation): Answer {
  const users = conversation.turns.filter(({ role }) => role === "user");
  const acts = users.flatMap(({ text }) => /(?:^|\n)act (\[.*\])/.exec(text)?.[1] ?? []);
  if (acts.length > 0) return { kind: "calls", calls: JSON.parse(acts.at(-1) ?? "[]") as OrderedCall[] };
  const { text = "" } = users.at(-1) ?? {};
  const [, verb = "", rest = ""] = /^(say|stall|drop|fail|turns)(?: ([\s\S]*))?$/.exec(text) ?? [];
  switch (verb) {
    case "fail":
      return { kind: "error", status: Number(rest) };
    case "turns":
      return { kind: "text", pieces: cut(JSON.stringify(conversation)), end: "close" };
    case "stall":
      return { kind: "text", pieces: cut(rest), end: "hang" };
    case "drop":
      return { kind: "text", pieces: cut(rest), end: "drop" };
    default:
      return { kind: "text", pieces: cut(verb === "say" ? rest : `no order in: ${text}`), end: "close" };
  }
}

/** In pieces of at most seven characters, none of them cut. */
function cut(text: string): readonly string[] {
  const characters = Array.from(text);
  return Array.from({ length: Math.ceil(characters.length / 7) }, (_, index) =>
    characters.slice(index * 7, index * 7 + 7).join(""),
  );
}
