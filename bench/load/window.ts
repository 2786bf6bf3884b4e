import { summarize } from "../measure/percentile.ts";
import { readCpuTime, readResidentBytes, type CpuTime } from "../measure/process-tree.ts";
import type { LoadResult } from "./plan.ts";

/** The measured part of a load: what happens between `open` and `close` counts. */
export class MeasuredWindow {
  readonly latencies: number[] = [];
  readonly delays: number[] = [];
  isOpen = false;
  requests = 0;
  errors = 0;
  #firstError: string | undefined;
  readonly #watch: readonly number[];
  #openedAt = 0;
  #cpuBefore: CpuTime[] = [];
  #ownBefore = process.cpuUsage();
  #seconds = 0;
  #cpu: CpuTime[] = [];
  #ownCpu = 0;
  #resident: number[] = [];

  constructor(watch: readonly number[]) {
    this.#watch = watch;
  }

  open(): void {
    this.#cpuBefore = this.#watch.map(readCpuTime);
    this.#ownBefore = process.cpuUsage();
    this.#openedAt = performance.now();
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
    this.#seconds = (performance.now() - this.#openedAt) / 1000;
    const own = process.cpuUsage(this.#ownBefore);
    this.#ownCpu = own.user + own.system;
    this.#resident = this.#watch.map(readResidentBytes);
    this.#cpu = this.#watch.map((pid, index) => {
      const after = readCpuTime(pid);
      const before = this.#cpuBefore[index] ?? after;
      return { tree: after.tree - before.tree, mainThread: after.mainThread - before.mainThread };
    });
  }

  /** An error counts in every phase: a run with one is no measurement. */
  failed(reason: unknown): void {
    this.errors += 1;
    this.#firstError ??= String(reason);
  }

  result(answered: number): LoadResult {
    return {
      seconds: this.#seconds,
      requests: this.requests,
      answered,
      chunks: this.delays.length,
      errors: this.errors,
      ...(this.#firstError !== undefined && { firstError: this.#firstError }),
      latency: summarize(this.latencies),
      delay: summarize(this.delays),
      cpu: this.#cpu,
      resident: this.#resident,
      ownCpu: this.#ownCpu,
    };
  }
}
