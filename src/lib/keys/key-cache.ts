import type { MaybePromise } from "../maybe-promise.ts";
import { BoundedMap } from "./bounded-map.ts";

/** Who a client key belongs to. */
export interface ClientKey {
  readonly id: string;
  readonly name: string;
}

export interface KeyCacheOptions<Key = ClientKey> {
  /**
   * Asks the database: the active key of a hash, or undefined. Rejects with a GatewayError when it
   * cannot tell; bounds how many it is asked at once.
   */
  readonly load: (hash: string) => Promise<Key | undefined>;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
  /** A known key is used without asking for this long; then it is asked for anew, in the background. */
  readonly freshMs?: number;
  /** From this age on a request waits for the answer, so that a key revoked elsewhere does not work once more. */
  readonly awaitRefreshMs?: number;
  /** How long one request waits for a refresh before it goes by what is known. */
  readonly refreshWaitMs?: number;
  /** How long a known key outlives a database that is away. */
  readonly staleMs?: number;
  /** How long an unknown key is refused without asking. */
  readonly negativeMs?: number;
  readonly maxEntries?: number;
}

interface Known<Key> {
  readonly key: Key;
  readonly loadedAt: number;
}

/** After a failed refresh a request does not wait for the next one for this long. */
const REFRESH_RETRY_MS = 5000;

/** What is known of client keys, or of others with an id, by hash. Keeps known keys working while the database is away. */
export class KeyCache<Key extends { readonly id: string } = ClientKey> {
  readonly #options: Required<KeyCacheOptions<Key>>;
  readonly #known: BoundedMap<string, Known<Key>>;
  readonly #unknownUntil: BoundedMap<string, number>;
  readonly #lookups = new Map<string, Promise<Key | undefined>>();
  /** Keys revoked in this process: a lookup that was under way must not bring one back. */
  readonly #revokedIds = new Set<string>();
  #refreshFailedAt = Number.NEGATIVE_INFINITY;

  constructor(options: KeyCacheOptions<Key>) {
    this.#options = {
      now: () => performance.now(),
      freshMs: 60_000,
      awaitRefreshMs: 120_000,
      refreshWaitMs: 1000,
      staleMs: 60 * 60_000,
      negativeMs: 5000,
      maxEntries: 10_000,
      ...options,
    };
    this.#known = new BoundedMap(this.#options.maxEntries);
    this.#unknownUntil = new BoundedMap(this.#options.maxEntries);
  }

  /** The key of a hash; undefined for one that is unknown or revoked. At once where it is known and fresh. Rejects with GatewayError `database_unavailable`. */
  get(hash: string): MaybePromise<Key | undefined> {
    const { now, freshMs, awaitRefreshMs, staleMs } = this.#options;
    const known = this.#known.get(hash);
    if (known !== undefined) {
      const age = now() - known.loadedAt;
      if (age < freshMs) return known.key;
      if (age < staleMs) {
        const refresh = this.#lookup(hash).catch(() => known.key);
        const isBackground = age < awaitRefreshMs || now() - this.#refreshFailedAt < REFRESH_RETRY_MS;
        return isBackground ? known.key : this.#orAfterWait(refresh, known.key);
      }
      this.#known.delete(hash);
    }
    if ((this.#unknownUntil.get(hash) ?? 0) > now()) return undefined;
    return this.#lookup(hash);
  }

  /** Forgets that a hash is unknown: its key was just made. */
  admit(hash: string): void {
    this.#unknownUntil.delete(hash);
  }

  /** From now on the key of this id is unknown. */
  revoke(id: string): void {
    this.#revokedIds.add(id);
    for (const [hash, known] of this.#known.entries()) {
      if (known.key.id === id) this.#known.delete(hash);
    }
  }

  #lookup(hash: string): Promise<Key | undefined> {
    const running = this.#lookups.get(hash);
    if (running !== undefined) return running;
    const lookup = this.#load(hash).finally(() => this.#lookups.delete(hash));
    this.#lookups.set(hash, lookup);
    return lookup;
  }

  async #load(hash: string): Promise<Key | undefined> {
    const { load, now, negativeMs } = this.#options;
    try {
      const loaded = await load(hash);
      const key = loaded !== undefined && this.#revokedIds.has(loaded.id) ? undefined : loaded;
      if (key === undefined) {
        this.#known.delete(hash);
        this.#unknownUntil.set(hash, now() + negativeMs);
      } else {
        this.#known.set(hash, { key, loadedAt: now() });
      }
      return key;
    } catch (error) {
      this.#refreshFailedAt = now();
      throw error;
    }
  }

  async #orAfterWait(refresh: Promise<Key | undefined>, stale: Key): Promise<Key | undefined> {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#refreshFailedAt = this.#options.now();
        resolve(stale);
      }, this.#options.refreshWaitMs);
      void refresh.then(resolve).finally(() => clearTimeout(timer));
    });
  }
}
