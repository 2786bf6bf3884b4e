import { fileURLToPath } from "node:url";

/** Where the generated SQL lies: `drizzle/` at the root of the sources, or beside the bundle. */
export function defaultMigrationsDirectory(): string {
  const path = import.meta.url.endsWith(".ts") ? "../../../drizzle" : "./drizzle";
  return fileURLToPath(new URL(path, import.meta.url));
}
