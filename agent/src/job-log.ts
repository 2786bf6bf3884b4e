/** What the log says of requests, and how many have ended which way. */
import type { Job } from "./job.ts";
import { printable, type AgentLogger } from "./logger.ts";

/** Requests that have ended since the start. */
export interface JobTotals {
  readonly completed: number;
  readonly failed: number;
  /** Not taken, by the agent or by its owner. */
  readonly refused: number;
}

export class JobLog {
  readonly #logger: AgentLogger;
  readonly #now: () => number;
  #totals: JobTotals = { completed: 0, failed: 0, refused: 0 };

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
    const fields = { requestId: job.id, attempt: request.attempt, model: printable(request.model) };
    if (state.kind === "running") this.#logger.info("request started", fields);
    if (state.kind !== "ended") return;
    const { outcome, code } = state;
    const { completed, failed, refused } = this.#totals;
    if (outcome === "rejected") {
      this.#totals = { completed, failed, refused: refused + 1 };
      return;
    }
    this.#totals =
      outcome === "complete"
        ? { completed: completed + 1, failed, refused }
        : { completed, failed: failed + 1, refused };
    const totalMs = Math.round(this.#now() - job.startedAt);
    this.#logger[outcome === "error" ? "warn" : "info"]("request ended", { ...fields, outcome, code, totalMs });
  }
}
