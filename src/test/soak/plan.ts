import { z } from "zod";
import type { SeededRandom } from "../seeded-random.ts";

export const ROUTES = ["openai", "claude-api", "claude-cli-remote"] as const;
const ENDINGS = ["complete", "leave", "leave-told", "status", "reset", "end", "error-frame"] as const;
const FAULTS = ["status", "reset", "end", "error-frame"] as const;

const planSchema = z.object({
  id: z.coerce.number(),
  route: z.enum(ROUTES),
  /** Whether the client streams. */
  stream: z.stringbool(),
  /**
   * `complete`: by the book. `leave`: the client goes in mid-answer, which never ends. `leave-told`: likewise, after usage
   * was told. The rest are faults of the upstream: an error status, a connection reset, a clean end in mid-answer, an
   * error frame.
   */
  ending: z.enum(ENDINGS),
  pieces: z.coerce.number(),
  promptTokens: z.coerce.number(),
  completionTokens: z.coerce.number(),
  /** Bytes that make the prompt large. */
  padding: z.coerce.number(),
});

/** What is to happen to one request; it travels in the prompt, so that client and upstream know the same. */
export type Plan = z.infer<typeof planSchema>;

/** Whether the plan's upstream fails. */
export function isFault(plan: Plan): boolean {
  return FAULTS.some((fault) => fault === plan.ending);
}

export function encodePlan(plan: Plan): string {
  return `PLAN:${Object.entries(plan)
    .map(([name, value]) => `${name}=${value}`)
    .join(";")};`;
}

/** The plan in the text of a request. Throws where there is none. */
export function decodePlan(text: string): Plan {
  const fields = /PLAN:([^"\\ ]+);/.exec(text)?.[1]?.split(";") ?? [];
  return planSchema.parse(Object.fromEntries(fields.map((field) => field.split("="))));
}

/** The next request: 10 % of the clients leave, 5 % of the upstreams fail, 5 % of the prompts are large. */
export function drawPlan(id: number, random: SeededRandom): Plan {
  const dice = random.next();
  const route = dice < 0.6 ? "openai" : dice < 0.8 ? "claude-api" : "claude-cli-remote";
  const stream = random.chance(0.7);
  const fate = random.next();
  const told = stream && route !== "claude-cli-remote" && random.chance(0.5);
  const fault = FAULTS[random.below(stream ? FAULTS.length : 2)] ?? "status";
  return {
    id,
    route,
    stream,
    ending: fate < 0.1 ? (told ? "leave-told" : "leave") : fate < 0.15 ? fault : "complete",
    pieces: 3 + random.below(30),
    promptTokens: 1 + random.below(2000),
    completionTokens: 1 + random.below(500),
    padding: random.chance(0.05) ? 200_000 + random.below(800_000) : random.below(500),
  };
}
