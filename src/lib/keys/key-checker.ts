import type { MaybePromise } from "../maybe-promise.ts";
import { BatchedLookup } from "./batched-lookup.ts";
import { CLIENT_KEY_PREFIX } from "./generate.ts";
import { hashKey } from "./hash.ts";
import { KeyCache, type ClientKey, type KeyCacheOptions } from "./key-cache.ts";

const MAX_TOKEN_LENGTH = 256;

export interface KeyCheckerOptions<Key = ClientKey> {
  /** What every token begins with; that of client keys unless told otherwise. */
  readonly prefix?: string;
  /** Asks for the active keys of many hashes at once; those that nobody has are left out. Rejects with a GatewayError. */
  readonly load: (hashes: readonly string[]) => Promise<ReadonlyMap<string, Key>>;
  readonly cache?: Omit<KeyCacheOptions<Key>, "load">;
}

/** Finds out whose a bearer token is, from memory where it can. */
export class KeyChecker<Key extends { readonly id: string } = ClientKey> {
  readonly #prefix: string;
  readonly #cache: KeyCache<Key>;

  constructor({ load, cache = {}, prefix = CLIENT_KEY_PREFIX }: KeyCheckerOptions<Key>) {
    this.#prefix = prefix;
    const lookup = new BatchedLookup({ load });
    this.#cache = new KeyCache({ ...cache, load: (hash) => lookup.get(hash) });
  }

  /** The key that a token is; undefined when it is none or revoked. Rejects with GatewayError `database_unavailable`. */
  check(token: string): MaybePromise<Key | undefined> {
    if (!token.startsWith(this.#prefix) || token.length > MAX_TOKEN_LENGTH) return undefined;
    return this.#cache.get(hashKey(token));
  }

  /** The key of a hash, as {@link check}. */
  find(hash: string): MaybePromise<Key | undefined> {
    return this.#cache.get(hash);
  }

  /** Forgets that a hash is unknown: its key was just made. */
  admit(hash: string): void {
    this.#cache.admit(hash);
  }

  /** From now on the key of this id is unknown. */
  revoke(id: string): void {
    this.#cache.revoke(id);
  }
}
