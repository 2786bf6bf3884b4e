import { formatTable } from "../admin/format-table.ts";
import type { KeyView } from "../../src/lib/admin/types.ts";

/** The two lines that point an OpenAI client at the proxy. */
export function formatNewKey(key: string, url: string): string {
  return `export OPENAI_BASE_URL=${url}/v1\nexport OPENAI_API_KEY=${key}`;
}

/** The keys as a table with aligned columns. */
export function formatKeys(keys: readonly KeyView[]): string {
  if (keys.length === 0) return "There are no keys yet.";
  return formatTable([
    ["ID", "KEY", "CREATED", "LAST USED", "STATE", "NAME"],
    ...keys.map((key) => [
      key.id,
      `${key.start}…`,
      key.createdAt.slice(0, 10),
      key.lastUsedAt?.slice(0, 16).replace("T", " ") ?? "never",
      key.revokedAt === null ? "active" : "revoked",
      key.name,
    ]),
  ]);
}
