import { basename, resolve } from "node:path";
import { GatewayError } from "../http/errors.ts";
import { createGuardian, type Guardian } from "./guardian.ts";
import { createPrivateFolder, type PrivateFolder, type RunFolder } from "./private-folder.ts";
import { spawnProcessGroup, type ProcessGroup } from "./process-group.ts";

/** A program that cannot be started from another folder by a relative path: made absolute; a bare name is looked up on PATH. */
export function absoluteCommand(command: string): string {
  return basename(command) === command ? command : resolve(command);
}

interface Opened {
  readonly folder: PrivateFolder;
  readonly guardian: Guardian;
}

/**
 * Where an executor's processes live: a private folder that is made with the first of them, a guardian that ends them if
 * this process is killed, and the runs that are under way. May be used again after {@link close}.
 */
export class CliHome {
  readonly #workDirectory: string | undefined;
  readonly #groups = new Set<ProcessGroup>();
  readonly #runs = new Map<Promise<unknown>, AbortController>();
  #opened: Promise<Opened> | undefined;

  /** @param workDirectory Where the private folder is made; default: the system's temporary folder. */
  constructor(workDirectory: string | undefined) {
    this.#workDirectory = workDirectory;
  }

  /** Processes that were started and are not {@link release released}. */
  get running(): number {
    return this.#groups.size;
  }

  /** Makes a folder for one process. Rejects with `cli_missing`. */
  async createRunFolder(): Promise<RunFolder> {
    const { folder } = await this.#open();
    return folder.createRunFolder();
  }

  /** Starts a process whose group is ended with this home. Rejects with the system's error. */
  async start(
    command: string,
    commandArguments: readonly string[],
    options: { readonly cwd: string; readonly environment: Readonly<Record<string, string>> },
  ): Promise<ProcessGroup> {
    const { guardian } = await this.#open();
    const group = await spawnProcessGroup(command, commandArguments, options);
    guardian.add(group.pid);
    this.#groups.add(group);
    return group;
  }

  /** Ends a process, closes its pipes, and forgets it. */
  async release(group: ProcessGroup): Promise<void> {
    await group.terminate(0);
    for (const stream of [group.stdin, group.stdout, group.stderr]) stream.destroy();
    this.forget(group);
  }

  /** The group is gone: its number may be used by others from now on. */
  forget(group: ProcessGroup): void {
    this.#groups.delete(group);
    void this.#opened?.then(({ guardian }) => guardian.remove(group.pid));
  }

  /** Runs work whose signal is also aborted by {@link close}, which waits for it. */
  run<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const outcome = work(AbortSignal.any([signal, stop.signal])).finally(() => this.#runs.delete(outcome));
    this.#runs.set(outcome, stop);
    return outcome;
  }

  /** Ends every run and every process, and removes the folder. `more` is what the executor has to end beside them. */
  async close(more: () => Promise<void> = async () => undefined): Promise<void> {
    for (const stop of this.#runs.values()) stop.abort(new GatewayError("cli_crashed", "The CLI was stopped."));
    await Promise.all([...this.#groups].map((group) => group.terminate(0)));
    await Promise.allSettled(this.#runs.keys());
    await more();
    const closing = this.#opened;
    this.#opened = undefined;
    if (closing === undefined) return;
    const { folder, guardian } = await closing;
    guardian.close();
    await folder.remove();
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#make().catch((error: unknown) => {
      this.#opened = undefined;
      throw new GatewayError("cli_missing", "The CLI's private folder cannot be made.", { cause: error });
    });
    return this.#opened;
  }

  async #make(): Promise<Opened> {
    const folder = await createPrivateFolder(this.#workDirectory);
    return { folder, guardian: createGuardian(folder.path) };
  }
}
