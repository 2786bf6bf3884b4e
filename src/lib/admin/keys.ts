import type { KeyRow } from "../db/queries/keys.ts";
import type { HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { readJson } from "../http/json-body.ts";
import { sendJson } from "../http/respond.ts";
import type { KeyStore } from "../keys/key-store.ts";
import type { AdminAuthorizer } from "./authorize.ts";
import { createKeyRequestSchema, type CreatedKey, type KeyView } from "./types.ts";

const MAX_BODY_BYTES = 16 * 1024;

export interface KeysOptions {
  readonly keyStore: KeyStore;
  readonly authorizer: Pick<AdminAuthorizer, "requireAdmin">;
}

/** A key as the admin API shows it: without its hash. */
export function toKeyView(row: KeyRow): KeyView {
  return {
    id: row.id,
    name: row.name,
    start: row.start,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

/** `GET /api/admin/keys`: `{keys}`, newest first, revoked ones included. */
export function createListKeysHandler({ keyStore, authorizer }: KeysOptions): HttpHandler {
  return async (context) => {
    authorizer.requireAdmin(context);
    const rows = await keyStore.list();
    sendJson(context.response, 200, { keys: rows.map(toKeyView) });
  };
}

/** `POST /api/admin/keys` `{name}`: 201 with the key, which is shown this once. */
export function createCreateKeyHandler({ keyStore, authorizer }: KeysOptions): HttpHandler {
  return async (context) => {
    authorizer.requireAdmin(context);
    const { name } = await readJson(context, createKeyRequestSchema, MAX_BODY_BYTES);
    const issued = await keyStore.create(name);
    sendJson(context.response, 201, { ...toKeyView(issued), key: issued.key } satisfies CreatedKey);
  };
}

/** `DELETE /api/admin/keys/{id}`: 200 with the revoked key, 404 where there is none. A repeat changes nothing. */
export function createRevokeKeyHandler({ keyStore, authorizer }: KeysOptions): HttpHandler {
  return async (context) => {
    authorizer.requireAdmin(context);
    const row = await keyStore.revoke(context.params["id"] ?? "");
    if (row === undefined) throw new GatewayError("not_found", "There is no key with this id.");
    sendJson(context.response, 200, toKeyView(row));
  };
}
