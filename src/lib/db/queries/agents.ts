import { and, count, desc, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import type { Database } from "../client.ts";
import { agents } from "../schema/agents.ts";
import { clientKeys } from "../schema/keys.ts";

type Queryable = Pick<Database, "db">;
type AgentRow = typeof agents.$inferSelect;
export type NewAgentRow = Pick<AgentRow, "id" | "agentId" | "ownerKeyId" | "share" | "hash">;

/** An enrolled agent with its owner. */
export interface OwnedAgentRow extends AgentRow {
  readonly ownerName: string;
  readonly ownerRevokedAt: Date | null;
}

const withOwner = {
  ...getTableColumns(agents),
  ownerName: clientKeys.name,
  ownerRevokedAt: clientKeys.revokedAt,
};

/** The agents of these token hashes that are not revoked, and whose owner's key is not. */
export async function selectActiveAgentsByHash({ db }: Queryable, hashes: readonly string[]): Promise<OwnedAgentRow[]> {
  const isOneOf = sql`${agents.hash} = any(${sql.param(hashes)}::text[])`;
  return await db
    .select(withOwner)
    .from(agents)
    .innerJoin(clientKeys, eq(agents.ownerKeyId, clientKeys.id))
    .where(and(isOneOf, isNull(agents.revokedAt), isNull(clientKeys.revokedAt)));
}

/** All enrolled agents, newest first, revoked ones included. */
export async function selectAgents({ db }: Queryable): Promise<OwnedAgentRow[]> {
  return await db
    .select(withOwner)
    .from(agents)
    .innerJoin(clientKeys, eq(agents.ownerKeyId, clientKeys.id))
    .orderBy(desc(agents.createdAt), desc(agents.id));
}

/** Who holds a name now, whether a key is there that could (both undefined where there is none), and how many agents it has. */
export async function selectClaim(
  { db }: Queryable,
  { agentId, keyId }: { readonly agentId: string; readonly keyId: string },
): Promise<{
  readonly holder: OwnedAgentRow | undefined;
  readonly keyName: string | undefined;
  readonly held: number;
}> {
  const keys = await db
    .select({ name: clientKeys.name })
    .from(clientKeys)
    .where(and(eq(clientKeys.id, keyId), isNull(clientKeys.revokedAt)));
  const holders = await db
    .select(withOwner)
    .from(agents)
    .innerJoin(clientKeys, eq(agents.ownerKeyId, clientKeys.id))
    .where(and(eq(agents.agentId, agentId), isNull(agents.revokedAt)));
  const [held] = await db
    .select({ agents: count() })
    .from(agents)
    .where(and(eq(agents.ownerKeyId, keyId), isNull(agents.revokedAt)));
  return { holder: holders[0], keyName: keys[0]?.name, held: held?.agents ?? 0 };
}

/**
 * Enrols an agent in the place of the one with the id `replaces`, where there is one. Rejects where another holds the
 * name: the index of active names sees to it.
 */
export async function replaceAgent({ db }: Queryable, agent: NewAgentRow, replaces: string | undefined): Promise<void> {
  await db.transaction(async (transaction) => {
    if (replaces !== undefined) {
      await transaction
        .update(agents)
        .set({ revokedAt: sql`now()` })
        .where(eq(agents.id, replaces));
    }
    await transaction.insert(agents).values(agent);
  });
}

/** Revokes an agent, at the time of the first call for it; undefined where there is none. */
export async function revokeAgent(queryable: Queryable, id: string): Promise<OwnedAgentRow | undefined> {
  // One statement: whoever hears that it failed may be sure that nothing was revoked.
  const rows = await queryable.db
    .update(agents)
    .set({ revokedAt: sql`coalesce(${agents.revokedAt}, now())` })
    .from(clientKeys)
    .where(and(eq(agents.id, id), eq(agents.ownerKeyId, clientKeys.id)))
    .returning(withOwner);
  return rows[0];
}

/** Moves `last_used_at` of many agents forward in one statement. */
export async function touchAgents({ db }: Queryable, usedAt: ReadonlyMap<string, number>): Promise<void> {
  const rows = JSON.stringify(Array.from(usedAt, ([id, atMs]) => ({ id, at: new Date(atMs).toISOString() })));
  await db.execute(
    sql`update agents set last_used_at = greatest(agents.last_used_at, used.at) from json_to_recordset(${rows}::json) as used(id text, at timestamptz) where agents.id = used.id`,
  );
}
