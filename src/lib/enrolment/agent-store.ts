import type { Enrolment } from "../agent/access.ts";
import { AGENT_TOKEN_PREFIX, type Share } from "../agent/types-login.ts";
import type { Database } from "../db/client.ts";
import { isDataError, orUnavailable, toDatabaseError } from "../db/errors.ts";
import {
  replaceAgent,
  revokeAgent,
  selectActiveAgentsByHash,
  selectAgents,
  selectClaim,
  touchAgents,
  type OwnedAgentRow,
} from "../db/queries/agents.ts";
import { GatewayError } from "../http/errors.ts";
import { generateAgentToken, generateEnrolmentId } from "../keys/generate.ts";
import { hashKey } from "../keys/hash.ts";
import type { KeyCacheOptions } from "../keys/key-cache.ts";
import { KeyChecker } from "../keys/key-checker.ts";
import { UseWriter } from "../keys/use-writer.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface AgentStoreOptions {
  readonly database: Pick<Database, "db">;
  readonly logger: Logger;
  /** Called with the id of each enrolment, and of each owner's key, that ends. */
  readonly onRevoked: (id: string) => void;
  readonly cache?: Omit<KeyCacheOptions<Enrolment>, "load">;
}

/** Agents that work and belong to one key. */
const MAX_PER_KEY = 20;

export interface Enrolled {
  readonly token: string;
  /** The name of the owner's key. */
  readonly owner: string;
}

/** What an agent is to be enrolled as. */
export interface Claim {
  readonly agentId: string;
  readonly keyId: string;
}

/** The enrolled agents: their tokens checked on each request from memory, kept in the database as SHA-256. */
export class AgentStore {
  readonly #options: AgentStoreOptions;
  readonly #checker: KeyChecker<Enrolment>;
  readonly #uses: UseWriter;
  readonly #revokedOwners = new Set<string>();

  constructor(options: AgentStoreOptions) {
    const { database, logger, cache = {} } = options;
    this.#options = options;
    this.#checker = new KeyChecker({ cache, prefix: AGENT_TOKEN_PREFIX, load: (hashes) => this.#load(hashes) });
    this.#uses = new UseWriter({ what: "agents", write: (usedAt) => touchAgents(database, usedAt), logger });
  }

  /**
   * The enrolment of a token; undefined where it is none, or is revoked, or its owner's key is. One that was seen before is
   * answered from memory at once. Rejects with GatewayError `database_unavailable` when an unknown token cannot be looked up.
   */
  authenticate(token: string): MaybePromise<Enrolment | undefined> {
    const found = this.#checker.check(token);
    return found instanceof Promise ? found.then((late) => this.#used(late)) : this.#used(found);
  }

  /**
   * Whether a key may have an agent of this name: else throws GatewayError `not_found` (404) where there is no such key that
   * works, `conflict` (409) while the name is another owner's or the key has 20 agents, `database_unavailable` (503).
   */
  async requireClaim(claim: Claim): Promise<void> {
    await this.#checkClaim(claim);
  }

  /**
   * Enrols an agent and answers its token, which is kept nowhere, and the name of its owner's key. An earlier enrolment of the same name ends: it is its
   * owner's own, or that of a key that works no more. Throws as {@link AgentStore.requireClaim}.
   */
  async enrol({ agentId, keyId, share }: Claim & { readonly share: Share }): Promise<Enrolled> {
    const { replaced, owner } = await this.#checkClaim({ agentId, keyId });
    const token = generateAgentToken();
    const row = { id: generateEnrolmentId(), agentId, ownerKeyId: keyId, share, hash: hashKey(token) };
    try {
      await replaceAgent(this.#options.database, row, replaced);
    } catch (error) {
      // Two logins of one name at once: the index of active names lets one of them in.
      if (isDataError(error)) throw taken(agentId);
      throw toDatabaseError(error);
    }
    this.#options.logger.info({ enrolment: row.id, agentId, keyId, share, replaced }, "agent enrolled");
    if (replaced !== undefined) this.#ended(replaced);
    return { token, owner };
  }

  /** All enrolled agents, newest first, revoked ones included. Throws GatewayError `database_unavailable`. */
  async list(): Promise<OwnedAgentRow[]> {
    return await orUnavailable(selectAgents(this.#options.database));
  }

  /** Revokes an enrolment: at once in this process, within two minutes in others. Undefined where there is none. */
  async revoke(id: string): Promise<OwnedAgentRow | undefined> {
    const row = await orUnavailable(
      revokeAgent(this.#options.database, id).catch((error: unknown) => {
        // An id that cannot be stored, such as one with NUL, is nobody's.
        if (isDataError(error)) return undefined;
        throw error;
      }),
    );
    if (row !== undefined) this.#ended(id);
    return row;
  }

  /** Ends the enrolments of a key that was revoked. */
  ownerRevoked(keyId: string): void {
    this.#revokedOwners.add(keyId);
    this.#options.onRevoked(keyId);
  }

  /** Writes when agents were last here. Never rejects. */
  async close(): Promise<void> {
    await this.#uses.close();
  }

  /** The id of the enrolment that a new one of this name takes the place of, and the name of the key. */
  async #checkClaim(claim: Claim): Promise<{ readonly replaced: string | undefined; readonly owner: string }> {
    const { holder, keyName, held } = await orUnavailable(selectClaim(this.#options.database, claim));
    if (keyName === undefined) throw new GatewayError("not_found", "There is no key with this id that works.");
    if (holder !== undefined) {
      if (holder.ownerKeyId !== claim.keyId && holder.ownerRevokedAt === null) throw taken(claim.agentId);
    } else if (held >= MAX_PER_KEY) {
      throw new GatewayError("conflict", `This key has ${MAX_PER_KEY} agents already: revoke one of them.`);
    }
    return { replaced: holder?.id, owner: keyName };
  }

  async #load(hashes: readonly string[]): Promise<ReadonlyMap<string, Enrolment>> {
    const rows = await orUnavailable(selectActiveAgentsByHash(this.#options.database, hashes));
    return new Map(
      rows.map(({ hash, id, agentId, ownerKeyId, ownerName, share }) => {
        return [hash, { id, agentId, owner: { id: ownerKeyId, name: ownerName }, share }];
      }),
    );
  }

  #used(enrolment: Enrolment | undefined): Enrolment | undefined {
    if (enrolment === undefined || this.#revokedOwners.has(enrolment.owner.id)) return undefined;
    this.#uses.note(enrolment.id);
    return enrolment;
  }

  #ended(id: string): void {
    this.#options.logger.info({ enrolment: id }, "agent revoked");
    this.#checker.revoke(id);
    this.#options.onRevoked(id);
  }
}

function taken(agentId: string): GatewayError {
  const message = `An agent of another key is enrolled as ${agentId}: revoke it, or log in under another agent id.`;
  return new GatewayError("conflict", message);
}
