/** The CLIs that this agent serves, and which of them answers for a model. */
import { offersModel } from "../../src/lib/agent/types.ts";
import { splitWireModel, toWireModel, type CliName } from "../../src/lib/cli/model-names.ts";
import type { CliExecutor, CliReadiness } from "../../src/lib/cli/types.ts";
import { CliWatch } from "./cli-watch.ts";
import type { AgentLogger } from "./logger.ts";
import type { Sleep } from "./timing.ts";

export interface CliSetOptions {
  /** One for each CLI, by different names. */
  readonly executors: readonly CliExecutor[];
  /** Those whose absence is a fault by itself. That of others is one only where none is installed. */
  readonly required: readonly CliName[];
  readonly logger: AgentLogger;
  readonly sleep: Sleep;
  /** Called when what is offered may be other than before. */
  readonly onChange: () => void;
}

/** The CLI that runs a model, and the model's own name. */
export interface PlacedModel {
  readonly executor: CliExecutor;
  readonly model: string;
}

export type PlacingRefusal = {
  readonly code: "unsupported" | "cli_missing" | "not_logged_in";
  readonly message: string;
};

export class CliSet {
  readonly #options: CliSetOptions;
  readonly #clis: readonly { readonly executor: CliExecutor; readonly watch: CliWatch }[];

  constructor(options: CliSetOptions) {
    this.#options = options;
    const { logger, sleep, onChange, required } = options;
    this.#clis = options.executors.map((executor) => ({
      executor,
      watch: new CliWatch({ executor, logger, sleep, onChange, isRequired: required.includes(executor.name) }),
    }));
  }

  /** What the last probes found; without CLIs that need not be there and are not, unless none is. */
  get readiness(): readonly CliReadiness[] {
    const required: readonly string[] = this.#options.required;
    const known = this.#clis.flatMap(({ watch }) => watch.readiness ?? []);
    const shown = known.filter(({ name, version }) => version !== null || required.includes(name));
    return shown.length > 0 ? shown : known;
  }

  /** The models of the CLIs that are ready, by their names on the wire. */
  get models(): readonly string[] {
    return this.#clis.flatMap(({ executor, watch }) =>
      watch.readiness?.ready === true ? executor.models().map((model) => toWireModel(executor.name, model)) : [],
    );
  }

  /** Who runs a model, by its name on the wire, or why nobody does. */
  place(wireModel: string): PlacedModel | PlacingRefusal {
    const { cli, model } = splitWireModel(wireModel);
    const found = this.#clis.find(({ executor }) => executor.name === cli);
    if (found === undefined) return { code: "unsupported", message: "This agent does not serve the model's CLI." };
    const { executor, watch } = found;
    if (watch.readiness?.ready === false) {
      return watch.readiness.version === null
        ? { code: "cli_missing", message: "The CLI was not found or does not start." }
        : { code: "not_logged_in", message: "The CLI is not ready to answer." };
    }
    if (!offersModel(executor.models(), model)) {
      return { code: "unsupported", message: "This agent does not offer the model." };
    }
    return { executor, model };
  }

  /** Probes them all once, side by side. */
  async check(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#clis.map(({ watch }) => watch.check(signal)));
    const { required, logger } = this.#options;
    const isNoneInstalled = this.#clis.every(({ watch }) => watch.readiness?.version === null);
    // Of one that is required its watch has told.
    if (required.length > 0 || signal.aborted || !isNoneInstalled) return;
    const names = this.#clis.map(({ executor }) => executor.name).join(", ");
    logger.error("no CLI was found: install one of them, or give its path", { looked: names });
  }

  /** Goes on probing until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#clis.map(({ watch }) => watch.run(signal)));
  }

  /** Probes the CLI of a model soon. */
  recheck(wireModel: string): void {
    const { cli } = splitWireModel(wireModel);
    this.#clis.find(({ executor }) => executor.name === cli)?.watch.recheck();
  }

  /** Number of processes alive. */
  running(): number {
    return this.#clis.reduce((sum, { executor }) => sum + executor.running(), 0);
  }

  /** Ends every process at once. */
  async killAll(): Promise<void> {
    await Promise.all(this.#clis.map(({ executor }) => executor.killAll()));
  }
}
