/** What the proxy has not acknowledged, on disk: so that it survives this process, and beyond a size in memory. */
import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { describeFailure } from "../http-client.ts";
import type { AgentLogger } from "../logger.ts";
import type { OutboxStore } from "../outbox-queue.ts";
import { claimNewest, folderName, instanceFolders, removeStrangers, type ClaimedFolder } from "./claim-folder.ts";
import { RequestSpool } from "./request-spool.ts";
import { realFiles, type SpoolFiles } from "./spool-files.ts";
import { thisProcess, type SpoolOwner } from "./spool-owner.ts";
import { headerLine, type RecoveredRequest } from "./spool-record.ts";

export interface SpoolBounds {
  /** All files together, in bytes. */
  readonly maxBytes: number;
  /** What of `maxBytes` the overflow of memory may take: the ends of requests go before it. */
  readonly maxOverflowBytes: number;
  /** The same for one request. */
  readonly maxRequestOverflowBytes: number;
  readonly maxFiles: number;
}

export interface SpoolOptions {
  readonly folder: string;
  /** The proxy and the agent's name there: what is kept for one is never said to another. */
  readonly url: string;
  readonly agentId: string;
  readonly logger: AgentLogger;
  readonly files?: SpoolFiles;
  readonly owner?: SpoolOwner;
  readonly bounds?: Partial<SpoolBounds>;
}

const MEBIBYTE = 1024 * 1024;
const DEFAULT_BOUNDS: SpoolBounds = {
  maxBytes: 256 * MEBIBYTE,
  maxOverflowBytes: 192 * MEBIBYTE,
  maxRequestOverflowBytes: 16 * MEBIBYTE,
  maxFiles: 1000,
};

/** A request of a dead process, and where it stands. */
export interface RecoveredAnswer extends RecoveredRequest {
  readonly store: OutboxStore;
}

/**
 * The spool of this process. Where a dead process of the same agent left the end of a request behind, this one goes on
 * as that instance: the proxy then takes what is left within its grace. A disk that fails costs the spool and nothing
 * else: the agent goes on in memory, and its log says so once.
 */
export class Spool {
  /** What this process calls itself to the proxy (`X-Agent-Instance`). */
  readonly instance: string;
  readonly recovered: readonly RecoveredAnswer[];
  readonly #files: SpoolFiles;
  readonly #logger: AgentLogger;
  readonly #bounds: SpoolBounds;
  readonly #folder: string;
  readonly #isUsable: boolean;
  #bytes = 0;
  #count = 0;
  #names = 0;
  #hasWarned = false;

  constructor(options: SpoolOptions) {
    const { folder, url, agentId, logger, files = realFiles, owner = thisProcess() } = options;
    this.#files = files;
    this.#logger = logger;
    this.#bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
    const name = createHash("sha256").update(`${url}\n${agentId}`).digest("hex").slice(0, 32);
    const home = join(folder, name);
    let claimed: ClaimedFolder | undefined;
    let order = 0;
    try {
      files.makeFolder(home);
      removeStrangers(files, folder, name, owner);
      const found = instanceFolders(files, home);
      order = Math.max(0, ...found.map((one) => one.order));
      claimed = claimNewest(files, home, found, owner);
    } catch (error) {
      this.#warn(error);
    }
    this.instance = claimed?.instance ?? randomUUID();
    this.#folder = claimed?.path ?? join(home, folderName(order + 1, this.instance, owner.key));
    this.recovered = (claimed?.requests ?? []).map(({ path, ...request }) => ({
      ...request,
      store: this.#adopt(path),
    }));
    this.#isUsable = this.#prepare();
  }

  /** Keeps a request from now on; undefined where that cannot be. */
  begin(requestId: string, attempt: number): OutboxStore | undefined {
    if (!this.#isUsable || this.#count >= this.#bounds.maxFiles) return undefined;
    this.#names += 1;
    try {
      const store = new RequestSpool({
        files: this.#files,
        path: join(this.#folder, `${this.#names}.jsonl`),
        header: headerLine(requestId, attempt),
        maxOverflowBytes: this.#bounds.maxRequestOverflowBytes,
        reserve: (bytes, purpose) => this.#reserve(bytes, purpose),
        release: (bytes) => {
          this.#bytes -= bytes;
        },
        onFailure: (error) => this.#warn(error),
        onRemoved: () => {
          this.#count -= 1;
        },
      });
      this.#count += 1;
      return store;
    } catch (error) {
      this.#warn(error);
      return undefined;
    }
  }

  /** Leaves nothing behind but the ends that the next process may still deliver. */
  close(): void {
    if (this.#count === 0) this.#remove(this.#folder);
  }

  #remove(path: string): void {
    try {
      this.#files.remove(path);
    } catch (error) {
      this.#warn(error);
    }
  }

  /** The file that a recovered request is in: it stays as it is until the request is settled. */
  #adopt(path: string): OutboxStore {
    this.#count += 1;
    let isThere = true;
    const discard = (): void => {
      if (!isThere) return;
      isThere = false;
      this.#count -= 1;
      this.#remove(path);
    };
    return { append: () => false, read: () => undefined, reset: discard, discard };
  }

  #prepare(): boolean {
    if (this.#hasWarned) return false;
    try {
      this.#files.makeFolder(this.#folder);
      for (const name of this.#files.list(this.#folder)) {
        this.#names = Math.max(this.#names, Number.parseInt(name, 10) || 0);
      }
      return true;
    } catch (error) {
      this.#warn(error);
      return false;
    }
  }

  #reserve(bytes: number, purpose: "overflow" | "end"): boolean {
    const bound = purpose === "end" ? this.#bounds.maxBytes : this.#bounds.maxOverflowBytes;
    if (this.#bytes + bytes > bound) return false;
    this.#bytes += bytes;
    return true;
  }

  #warn(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const reason = describeFailure(error);
    // Who has made the logger may not be ready to show anything yet.
    queueMicrotask(() => {
      this.#logger.warn("cannot keep unacknowledged answers on disk, going on in memory", { reason });
    });
  }
}
