/** What a request orders of the mock upstream. It stands in its prompt, which every proxy passes on: `bench:whole;` or `bench:100x10;`. */
export type Order =
  | { readonly kind: "whole" }
  | { readonly kind: "stream"; readonly chunks: number; readonly gapMs: number; readonly includeUsage: boolean };

export function orderText(order: { readonly chunks: number; readonly gapMs: number } | "whole"): string {
  return order === "whole" ? "bench:whole;" : `bench:${order.chunks}x${order.gapMs};`;
}

const MARK = Buffer.from("bench:");
const LONGEST = 32;

/** Finds the order in a request's body without parsing it, since bodies may be large; undefined where there is none. */
export function readOrder(body: Buffer): Order | undefined {
  const at = body.indexOf(MARK);
  if (at < 0) return undefined;
  const text = body.toString("latin1", at, at + LONGEST);
  if (text.startsWith("bench:whole;")) return { kind: "whole" };
  const match = /^bench:(\d+)x(\d+);/.exec(text);
  if (match === null) return undefined;
  const includeUsage = /"include_usage": ?true/.test(body.toString("latin1"));
  return { kind: "stream", chunks: Number(match[1]), gapMs: Number(match[2]), includeUsage };
}
