import { z } from "zod";
import type { Plan } from "./load/plan.ts";
import type { Target } from "./targets/types.ts";
import { ANSWER_TEXT, USAGE_TOKENS } from "./upstream/answers.ts";
import { orderText } from "./upstream/order.ts";

const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }), finish_reason: z.string() })).length(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }),
});
const chunkSchema = z.object({
  choices: z.array(
    z.object({ delta: z.object({ content: z.string().nullish() }), finish_reason: z.string().nullish() }),
  ),
});
const CHUNKS = 5;
/** `@`, 19 digits and a space. */
const STAMP_LENGTH = 21;

/**
 * Asks a target once in each form and looks at every field that matters, before the load clients count bytes only.
 *
 * @throws Error when it does not answer as the upstream does
 */
export async function checkTarget(target: Target, kinds: readonly Plan["kind"][]): Promise<void> {
  if (kinds.includes("whole")) {
    const body = completionSchema.parse(await (await ask(target, orderText("whole"))).json());
    expectEqual(target, body.choices[0]?.message.content, ANSWER_TEXT);
    expectEqual(target, body.choices[0]?.finish_reason, "stop");
    expectEqual(target, body.usage.completion_tokens, USAGE_TOKENS.completion);
  }
  if (kinds.includes("streams")) {
    const order = orderText({ chunks: CHUNKS, gapMs: 5 });
    const text = await (await ask(target, order, { stream: true })).text();
    const payloads = text.split(/\r?\n/).flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []));
    expectEqual(target, payloads.pop(), "[DONE]");
    const choices = payloads.flatMap((payload) => chunkSchema.parse(JSON.parse(payload)).choices);
    // An agent may join what gathered into one chunk.
    const content = choices.map(({ delta }) => delta.content ?? "").join("");
    expectEqual(target, /^(@\d{19} )*$/.test(content) ? content.length / STAMP_LENGTH : content, CHUNKS);
    expectEqual(target, choices.at(-1)?.finish_reason, "stop");
  }
}

async function ask(target: Target, content: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Response> {
  const response = await fetch(target.url + target.path, {
    method: "POST",
    headers: { ...target.headers, "content-type": "application/json" },
    body: JSON.stringify({ model: target.model, messages: [{ role: "user", content }], ...fields }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${target.name} answered ${response.status}: ${await response.text()}`);
  return response;
}

function expectEqual(target: Target, actual: unknown, expected: unknown): void {
  if (actual === expected) return;
  throw new Error(`${target.name} answered ${JSON.stringify(actual)} where ${JSON.stringify(expected)} was due`);
}
