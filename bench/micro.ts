/**
 * What our own code on the hot path saves against what it stands in for, side by side: `node bench/micro.ts` prints
 * microseconds for each piece of work. Both of a pair do the same work on the same input.
 */
import { chatRequestSchema } from "../src/lib/openai/chat.ts";
import { isPlainChatRequest } from "../src/lib/openai/plain-chat-request.ts";
import { createMemberScanner } from "../src/lib/openai/top-level-members.ts";

const ROUNDS = 5;
const ROUND_MS = 200;

interface Contender {
  readonly name: string;
  readonly run: () => unknown;
}

const request = {
  model: "gpt-x",
  messages: [
    { role: "system", content: "You answer briefly." },
    { role: "user", content: "What is the capital of France?" },
  ],
  temperature: 0.7,
  max_tokens: 200,
};
const largeBody = Buffer.from(
  JSON.stringify({
    ...request,
    messages: Array.from({ length: 50 }, () => ({ role: "user", content: "x".repeat(4000) })),
  }),
);
const keys = new Set(["model", "messages", "stream"]);

const pairs: readonly (readonly [work: string, ...contenders: Contender[]])[] = [
  [
    "check a small chat request",
    { name: "isPlainChatRequest", run: () => isPlainChatRequest(request) },
    { name: "zod", run: () => chatRequestSchema.safeParse(request) },
  ],
  [
    "find the members of a 200 KB request",
    {
      name: "createMemberScanner",
      run: () => {
        const scanner = createMemberScanner({ keys, maxDepth: 500, maxFields: 100_000 });
        scanner.push(largeBody);
        return scanner.end();
      },
    },
    { name: "JSON.parse", run: () => JSON.parse(largeBody.toString()) as unknown },
  ],
];

/** Microseconds of one run, over a round of some length. */
function timeOf(run: () => unknown): number {
  const startedAt = performance.now();
  let runs = 0;
  let elapsedMs = 0;
  while (elapsedMs < ROUND_MS) {
    for (let index = 0; index < 20; index += 1) run();
    runs += 20;
    elapsedMs = performance.now() - startedAt;
  }
  return (elapsedMs * 1000) / runs;
}

for (const [work, ...contenders] of pairs) {
  const best = contenders.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { run }] of contenders.entries()) best[index] = Math.min(best[index] ?? 0, timeOf(run));
  }
  const figures = contenders.map(({ name }, index) => `${name} ${(best[index] ?? 0).toFixed(2)}`);
  process.stdout.write(`${work}: ${figures.join(", ")} us\n`);
}
