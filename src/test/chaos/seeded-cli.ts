/** A CLI in this process whose answers, pace and failures come from a seed, and that remembers all it has said. */
import type { CliExecution, CliExecutor, CliOutcome, CliSink } from "../../lib/cli/types.ts";
import { CliFailure } from "../../lib/cli/types.ts";
import { sleep } from "../../../agent/src/timing.ts";
import { SeededRandom } from "../seeded-random.ts";

export interface CliPlan {
  readonly seed: number;
  /** Length of the answer in UTF-16 units, about. */
  readonly characters: number;
  /** Whether the text is all characters that JSON needs six bytes for, so that it fills the buffers of every socket. */
  readonly isBulky: boolean;
  /** Longest delta in UTF-16 units. */
  readonly deltaCharacters: number;
  /** Longest wait between two deltas in milliseconds; 0 is a burst. */
  readonly paceMs: number;
  readonly end: "complete" | "fail before output" | "fail after output" | "hang";
  /** What the request must say when it arrives here. */
  readonly prompt: string;
}

/** One run, as it went. */
export interface CliRun {
  readonly agent: string;
  readonly model: string;
  readonly requestId: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  readonly gotItsPrompt: boolean;
  readonly startedAt: number;
  /** Everything said, in order. */
  text: string;
  endedAt: number | undefined;
  outcome: CliOutcome | undefined;
  /** The agent had given the request up, since it had been cut off for longer than the grace. */
  isGivenUp: boolean;
  end: "running" | "complete" | "failed" | "aborted";
}

const WORDS = [
  "the ",
  "stream",
  "Grüße ",
  "日本語 ",
  "🌍",
  "👩‍👩‍👧 ",
  "שלום ",
  "\u2028",
  "\n\n",
  '"',
  "\\",
  "data: [DONE]",
  "\u0000",
  "é",
];

const BULKY_WORDS = ["\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007", "\u001b\u001c\u001d\u001e\u001f\u000e", "🌍"];

type DeltaPlan = Pick<CliPlan, "characters" | "deltaCharacters" | "isBulky">;

/**
 * The deltas of an answer, together about `characters` UTF-16 units. They are cut anywhere, in the middle of a surrogate
 * pair too, as a CLI does that streams tokens.
 */
function seededDeltas(seed: number, plan: DeltaPlan): readonly string[] {
  const { characters, deltaCharacters, isBulky } = plan;
  const random = new SeededRandom(seed);
  const words = isBulky ? BULKY_WORDS : WORDS;
  let text = "";
  while (text.length < characters) text += words[random.below(words.length)] ?? "";
  const deltas: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = start + 1 + random.below(deltaCharacters);
    deltas.push(text.slice(start, end));
    start = end;
  }
  return deltas;
}

export interface SeededCliOptions {
  readonly agent: string;
  /** The one model pattern it offers. */
  readonly offer: string;
  readonly plans: ReadonlyMap<string, CliPlan>;
  /** The attempt that the agent has begun last for a request: an execution does not name it. */
  readonly attemptOf: (requestId: string) => number;
  /** All runs of all agents, in the order of their start. */
  readonly runs: CliRun[];
  readonly onFault: (
    fault: "cli failed before output" | "cli failed after output" | "cli hung",
    detail: string,
  ) => void;
}

/** Every run has a text and usage of its own, so that a mixture of two runs cannot pass for either. */
export class SeededCli implements CliExecutor {
  readonly name = "claude";
  readonly #options: SeededCliOptions;
  readonly #alive = new Map<CliRun, AbortController>();

  constructor(options: SeededCliOptions) {
    this.#options = options;
  }

  async probe() {
    return { name: this.name, version: "2.1.0", ready: true, reason: null };
  }

  models(): readonly string[] {
    return [this.#options.offer];
  }

  running(): number {
    return this.#alive.size;
  }

  async killAll(): Promise<void> {
    for (const killed of this.#alive.values()) killed.abort();
  }

  async execute(execution: CliExecution, sink: CliSink): Promise<CliOutcome> {
    const { agent, plans, runs, attemptOf } = this.#options;
    const plan = plans.get(execution.model);
    if (plan === undefined) throw new CliFailure("server_error", `no plan for ${execution.model}`);
    const run: CliRun = {
      agent,
      model: execution.model,
      requestId: execution.requestId,
      attempt: attemptOf(execution.requestId),
      gotItsPrompt: execution.request.messages[0]?.content === plan.prompt,
      startedAt: performance.now(),
      text: "",
      endedAt: undefined,
      outcome: undefined,
      isGivenUp: false,
      end: "running",
    };
    runs.push(run);
    const killed = new AbortController();
    this.#alive.set(run, killed);
    try {
      run.outcome = await this.#speak(run, plan, sink, AbortSignal.any([execution.signal, killed.signal]));
      run.end = "complete";
      return run.outcome;
    } catch (error) {
      run.end = error instanceof CliFailure ? "failed" : "aborted";
      throw error;
    } finally {
      run.endedAt = performance.now();
      this.#alive.delete(run);
    }
  }

  async #speak(run: CliRun, plan: CliPlan, sink: CliSink, signal: AbortSignal): Promise<CliOutcome> {
    const number = this.#options.runs.length;
    const random = new SeededRandom(plan.seed);
    const deltas = seededDeltas(plan.seed + number * 7919, plan);
    const said = {
      "fail before output": 0,
      "fail after output": random.below(deltas.length),
      hang: random.below(deltas.length),
    };
    const stopAt = plan.end === "complete" ? Infinity : said[plan.end];
    const detail = `${run.model} on ${run.agent}`;
    sink.open({ model: run.model, droppedParams: [] });
    for (const [index, content] of deltas.entries()) {
      if (index >= stopAt) break;
      signal.throwIfAborted();
      run.text += content;
      if (!sink.delta({ content })) await drained(sink, signal);
      if (plan.paceMs > 0) await sleep(random.below(plan.paceMs + 1), signal);
    }
    signal.throwIfAborted();
    if (plan.end === "hang") {
      this.#options.onFault("cli hung", detail);
      await sleep(3_600_000, signal);
      signal.throwIfAborted();
    }
    if (plan.end !== "complete") {
      const hasSaid = run.text !== "";
      this.#options.onFault(hasSaid ? "cli failed after output" : "cli failed before output", detail);
      throw new CliFailure("cli_crashed", "The CLI ended with 1.", { failover: random.chance(0.5) });
    }
    const usage = { prompt_tokens: number, completion_tokens: deltas.length, total_tokens: number + deltas.length };
    return {
      finishReason: random.chance(0.8) ? "stop" : "length",
      usage,
      usageSource: "cli",
      model: run.model,
      droppedParams: [],
      costUsd: 0.01,
      timings: { spawnMs: 1, firstDeltaMs: 1, totalMs: 2 },
    };
  }
}

async function drained(sink: CliSink, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    sink.onDrain(resolve);
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });
}
