/** What the log says of requests, and how many have ended which way. */
import type { Job, JobState } from "./job.ts";
import type { AgentLogger } from "./logger.ts";
import { plainModel } from "./model-display.ts";

/** Requests that have ended since the start. */
export interface JobTotals {
  readonly completed: number;
  readonly failed: number;
  /** Given up by the proxy, mostly since their client left. */
  readonly cancelled: number;
  /** Not taken, by the agent or by its owner. */
  readonly refused: number;
}

type EndedState = Extract<JobState, { kind: "ended" }>;

export class JobLog {
  readonly #logger: AgentLogger;
  readonly #now: () => number;
  #totals: JobTotals = { completed: 0, failed: 0, cancelled: 0, refused: 0 };

  /** `now`: of the clock that jobs have their start from, in milliseconds. */
  constructor(logger: AgentLogger, now: () => number) {
    this.#logger = logger;
    this.#now = now;
  }

  get totals(): JobTotals {
    return this.#totals;
  }

  /** To be called at each change of a job's state. */
  note(job: Job): void {
    const { state, request } = job;
    const fields = { requestId: job.id, attempt: request.attempt, model: plainModel(request.model) };
    if (state.kind === "running") this.#logger.info("request started", fields);
    if (state.kind !== "ended") return;
    const { outcome, code } = state;
    const total = totalOf(outcome, code);
    this.#totals = { ...this.#totals, [total]: this.#totals[total] + 1 };
    if (outcome === "rejected") return;
    const totalMs = Math.round(this.#now() - job.startedAt);
    this.#logger[outcome === "error" ? "warn" : "info"]("request ended", { ...fields, outcome, code, totalMs });
  }
}

/** What the agent itself ended, as at its own end, has failed. */
function totalOf(outcome: EndedState["outcome"], code: string | undefined): keyof JobTotals {
  if (outcome === "complete") return "completed";
  if (outcome === "rejected") return "refused";
  return outcome === "cancelled" && code === "cancelled" ? "cancelled" : "failed";
}
