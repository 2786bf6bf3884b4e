import type { Database } from "../db/client.ts";
import { isDataError, orUnavailable, toDatabaseError } from "../db/errors.ts";
import {
  insertFirstKey,
  insertKey,
  revokeKey,
  selectActiveKeysByHash,
  selectKeys,
  touchKeys,
  type KeyRow,
  type NewKeyRow,
} from "../db/queries/keys.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { Logger } from "../telemetry/logger.ts";
import { generateClientKey, generateKeyId, keyStart } from "./generate.ts";
import { hashKey } from "./hash.ts";
import type { ClientKey, KeyCacheOptions } from "./key-cache.ts";
import { KeyChecker } from "./key-checker.ts";
import { UseWriter } from "./use-writer.ts";

export type { ClientKey } from "./key-cache.ts";

export interface KeyStoreOptions {
  readonly database: Pick<Database, "db">;
  readonly logger: Logger;
  /** How often `last_used_at` is written, in milliseconds. */
  readonly touchIntervalMs?: number;
  readonly cache?: Omit<KeyCacheOptions, "load">;
}

/** A key as it is made: the only time that `key` is known. */
export interface IssuedKey extends KeyRow {
  readonly key: string;
}

/** What other processes of this proxy are to know at once. */
export type KeyChange = { readonly admitted: string } | { readonly revoked: string };

/** The client keys: checked on each request from memory, kept in the database. */
export class KeyStore {
  readonly #database: Pick<Database, "db">;
  readonly #checker: KeyChecker;
  readonly #listeners = new Set<(change: KeyChange) => void>();
  readonly #uses: UseWriter;

  constructor({ database, logger, touchIntervalMs, cache = {} }: KeyStoreOptions) {
    this.#database = database;
    this.#uses = new UseWriter({
      what: "keys",
      write: (usedAt) => touchKeys(database, usedAt),
      intervalMs: touchIntervalMs,
      logger,
    });
    this.#checker = new KeyChecker({ cache, load: (hashes) => this.#load(hashes) });
  }

  /**
   * The key that a bearer token is; undefined when it is none or revoked. A key that was seen before is answered from
   * memory at once, for up to an hour while the database is away. Rejects with GatewayError `database_unavailable` when
   * an unknown token cannot be looked up.
   */
  authenticate(token: string): MaybePromise<ClientKey | undefined> {
    const key = this.#checker.check(token);
    return key instanceof Promise ? key.then((found) => this.#used(found)) : this.#used(key);
  }

  /** The key of a hash, for another process that has checked a token; otherwise as {@link authenticate}. */
  async find(hash: string): Promise<ClientKey | undefined> {
    return await this.#checker.find(hash);
  }

  /** Notes that a key was used. Cheap: written later, with others. */
  touch(id: string): void {
    this.#uses.note(id);
  }

  /** Calls back with each key that is made (by its hash) or revoked (by its id); returns the unsubscriber. */
  subscribe(listener: (change: KeyChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes a key. Throws GatewayError `database_unavailable`, or `invalid_value` for a name that cannot be stored. */
  async create(name: string): Promise<IssuedKey> {
    const issued = await this.#issue(name, insertKey);
    if (issued === undefined) throw toDatabaseError(new Error("the key was not inserted"));
    return issued;
  }

  /** Makes a key only where there has never been one; undefined otherwise. Throws as {@link create}. */
  async createFirst(name: string): Promise<IssuedKey | undefined> {
    return await this.#issue(name, insertFirstKey);
  }

  /** All keys, newest first. Throws GatewayError `database_unavailable`. */
  async list(): Promise<KeyRow[]> {
    return await orUnavailable(selectKeys(this.#database));
  }

  /**
   * Revokes a key: at once in this process, within two minutes in others. Undefined where there is no such key.
   * Throws GatewayError `database_unavailable`.
   */
  async revoke(id: string): Promise<KeyRow | undefined> {
    const row = await orUnavailable(
      revokeKey(this.#database, id).catch((error: unknown) => {
        // An id that cannot be stored, such as one with NUL, is nobody's.
        if (isDataError(error)) return undefined;
        throw error;
      }),
    );
    if (row !== undefined) {
      this.#checker.revoke(id);
      this.#announce({ revoked: id });
    }
    return row;
  }

  /** Writes when keys were last used. Never rejects. */
  async close(): Promise<void> {
    await this.#uses.close();
  }

  async #load(hashes: readonly string[]): Promise<ReadonlyMap<string, ClientKey>> {
    const rows = await orUnavailable(selectActiveKeysByHash(this.#database, hashes));
    return new Map(rows.map(({ hash, id, name }) => [hash, { id, name }]));
  }

  async #issue(
    name: string,
    insert: (database: Pick<Database, "db">, row: NewKeyRow) => Promise<KeyRow | undefined>,
  ): Promise<IssuedKey | undefined> {
    const key = generateClientKey();
    const row = { id: generateKeyId(), name, start: keyStart(key), hash: hashKey(key) };
    const inserted = await orUnavailable(insert(this.#database, row));
    if (inserted === undefined) return undefined;
    this.#checker.admit(row.hash);
    this.#announce({ admitted: row.hash });
    return { ...inserted, key };
  }

  #used(key: ClientKey | undefined): ClientKey | undefined {
    if (key !== undefined) this.touch(key.id);
    return key;
  }

  #announce(change: KeyChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

export function createKeyStore(options: KeyStoreOptions): KeyStore {
  return new KeyStore(options);
}

/** A ready key for the quick start, where there has never been a key; to be printed once. Throws as `create`. */
export async function ensureFirstKey(keyStore: KeyStore): Promise<IssuedKey | undefined> {
  return await keyStore.createFirst("quick-start");
}
