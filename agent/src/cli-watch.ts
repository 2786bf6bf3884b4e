/** Whether the CLI can answer, kept up to date. */
import type { CliExecutor, CliReadiness } from "../../src/lib/cli/types.ts";
import type { AgentLogger } from "./logger.ts";
import type { Sleep } from "./timing.ts";

const READY_INTERVAL_MS = 5 * 60_000;
/** Sooner while it is not ready, since its owner is perhaps mending it. */
const UNREADY_INTERVAL_MS = 30_000;

export interface CliWatchOptions {
  readonly executor: CliExecutor;
  /** Whether it is a fault that the CLI is not installed. */
  readonly isRequired: boolean;
  readonly logger: AgentLogger;
  readonly sleep: Sleep;
  /** Called after the first probe and whenever its outcome, or what models there are, differs from the last. */
  readonly onChange: (readiness: CliReadiness) => void;
}

/** Probes the CLI now, every few minutes, and when a request failed in a way that points at the CLI. */
export class CliWatch {
  readonly #options: CliWatchOptions;
  #readiness: CliReadiness | undefined;
  /** As they were after the last probe, which may have learnt of others. */
  #models: readonly string[] = [];
  #hurry = new AbortController();

  constructor(options: CliWatchOptions) {
    this.#options = options;
  }

  get readiness(): CliReadiness | undefined {
    return this.#readiness;
  }

  /** Probes again soon. */
  recheck(): void {
    this.#hurry.abort();
  }

  /** Probes once. */
  async check(signal: AbortSignal): Promise<void> {
    const { executor, logger, onChange, isRequired } = this.#options;
    const readiness = await executor.probe(signal);
    const last = this.#readiness;
    if (signal.aborted) return;
    this.#readiness = readiness;
    const models = executor.models();
    const hasSameModels = models.join("\n") === this.#models.join("\n");
    this.#models = models;
    const fields = { cli: readiness.name, version: readiness.version };
    const isAsReady =
      last?.ready === readiness.ready && last.version === readiness.version && last.reason === readiness.reason;
    if (isAsReady) {
      if (hasSameModels || !readiness.ready) return;
      logger.info("the CLI has other models", fields);
      onChange(readiness);
      return;
    }
    const isAbsent = readiness.version === null && last?.version == null && !isRequired;
    if (readiness.ready) logger.info("the CLI is ready", fields);
    else if (isAbsent) logger.debug("the CLI is not installed", { ...fields, reason: readiness.reason });
    else logger.error("the CLI cannot answer", { ...fields, reason: readiness.reason });
    onChange(readiness);
  }

  /** Goes on probing until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isUrgent =
        this.#readiness?.ready !== true && (this.#readiness?.version !== null || this.#options.isRequired);
      const intervalMs = isUrgent ? UNREADY_INTERVAL_MS : READY_INTERVAL_MS;
      this.#hurry = new AbortController();
      await this.#options.sleep(intervalMs, AbortSignal.any([signal, this.#hurry.signal]));
      if (!signal.aborted) await this.check(signal);
    }
  }
}
