import { hkdfSync } from "node:crypto";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { describeDatabaseError } from "../db/errors.ts";
import { insertSetting, selectSetting } from "../db/queries/settings.ts";
import type { Logger } from "../telemetry/logger.ts";
import { generateAdminKey } from "./generate.ts";
import { equalHashes, hashKey } from "./hash.ts";

/** Where the hash of a generated admin key is kept. */
export const ADMIN_KEY_SETTING = "admin_key";
const storedSchema = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 15_000;

export interface AdminKeyOptions {
  /** `CODEWISE_ADMIN_KEY`; the database is not asked then. */
  readonly fromEnv: string | undefined;
  readonly database: Pick<Database, "db">;
  readonly logger: Logger;
  /** Told the key that was generated, once: at once or when the database is back. It is stored nowhere. */
  readonly onGenerated?: (key: string) => void;
}

export interface AdminKey {
  /** False while the database that knows the key has not answered yet. */
  readonly isReady: boolean;
  /** Whether a token is the admin key, compared in constant time; false while not ready. */
  verify(token: string): boolean;
  /** The key, where this process generated it. */
  readonly generated: string | undefined;
  /** A key for signing sessions, derived from the admin key, so that sessions end with it; undefined while not ready. */
  signingKey(): Buffer | undefined;
  /** Stops retrying. */
  close(): void;
}

interface Loaded {
  readonly hash: string;
  readonly generated: string | undefined;
}

/**
 * The admin key's hash: the stored one, or that of the new key. Of two processes that start at once, one's key wins.
 * Where the stored one is that of the new key, an earlier try has stored it and its answer was lost.
 */
async function loadOrStore(database: Pick<Database, "db">, newKey: string): Promise<Loaded> {
  const ownHash = hashKey(newKey);
  for (;;) {
    const stored = await selectSetting(database, ADMIN_KEY_SETTING);
    if (stored !== undefined) {
      const hash = storedSchema.parse(stored).sha256;
      return { hash, generated: equalHashes(hash, ownHash) ? newKey : undefined };
    }
    if (await insertSetting(database, ADMIN_KEY_SETTING, { sha256: ownHash })) {
      return { hash: ownHash, generated: newKey };
    }
  }
}

/**
 * Finds out the admin key: the one of the environment, else the one generated at the first start. Never rejects: while
 * the database is away the verifier refuses everything and asks again in the background.
 */
export async function resolveAdminKey(options: AdminKeyOptions): Promise<AdminKey> {
  const { fromEnv, database, logger, onGenerated } = options;
  let loaded: Loaded | undefined = fromEnv === undefined ? undefined : { hash: hashKey(fromEnv), generated: undefined };
  let signingKey: Buffer | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  // The same in all tries: one of them may store it without learning that it did.
  const newKey = generateAdminKey();
  const load = async (attempt: number): Promise<void> => {
    try {
      loaded = await loadOrStore(database, newKey);
    } catch (error) {
      if (attempt === 0) logger.warn({ reason: describeDatabaseError(error) }, "the admin key cannot be read yet");
      const delayMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** attempt);
      if (!isClosed) timer = setTimeout(() => void load(attempt + 1), delayMs).unref();
      return;
    }
    if (loaded.generated !== undefined) onGenerated?.(loaded.generated);
  };
  if (loaded === undefined) await load(0);

  return {
    get isReady() {
      return loaded !== undefined;
    },
    verify: (token) => loaded !== undefined && equalHashes(hashKey(token), loaded.hash),
    get generated() {
      return loaded?.generated;
    },
    signingKey() {
      if (loaded === undefined) return undefined;
      signingKey ??= Buffer.from(hkdfSync("sha256", Buffer.from(loaded.hash, "hex"), "", "codewise session v1", 32));
      return signingKey;
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
