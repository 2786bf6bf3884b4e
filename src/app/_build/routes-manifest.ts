import { readFile } from "node:fs/promises";
import { join } from "node:path";

interface HeaderRule {
  /** Matches the paths that the headers are for. */
  readonly regex: string;
  readonly headers: { readonly key: string; value: string }[];
  readonly has?: unknown;
  readonly missing?: unknown;
}

/** The part of Next's `routes-manifest.json` that is read here. */
export interface RoutesManifest {
  readonly headers: HeaderRule[];
}

export function routesManifestPath(distDir: string): string {
  return join(distDir, "routes-manifest.json");
}

export async function readRoutesManifest(distDir: string): Promise<RoutesManifest> {
  return JSON.parse(await readFile(routesManifestPath(distDir), "utf8")) as RoutesManifest;
}

/** The headers of next.config.ts for a path, with lower-case names; a later rule wins, as in Next. */
export function headersFor(manifest: RoutesManifest, path: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const rule of manifest.headers) {
    if (rule.has !== undefined || rule.missing !== undefined) {
      throw new Error("The built server serves the same headers to every request: no rule may have conditions.");
    }
    if (!new RegExp(rule.regex).test(path)) continue;
    for (const { key, value } of rule.headers) headers[key.toLowerCase()] = value;
  }
  return headers;
}
