import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { contentSecurityPolicy, CSP_HEADER, inlineScriptHashes } from "../_security/headers.ts";
import { readRoutesManifest, routesManifestPath } from "./routes-manifest.ts";

/**
 * Prerendered pages carry inline scripts whose text is known only when the build is done, after the headers of
 * next.config.ts were fixed. A nonce would mean rendering per request, in the process that proxies; `'unsafe-inline'`
 * would give up what a policy is for. So the hashes are put in at the end of the build.
 */
export async function completePolicy(distDir: string): Promise<void> {
  const policy = contentSecurityPolicy(await collectHashes(join(distDir, "server")));
  const manifest = await readRoutesManifest(distDir);
  const targets = manifest.headers.flatMap((route) => route.headers).filter((header) => header.key === CSP_HEADER);
  if (targets.length === 0) throw new Error(`${routesManifestPath(distDir)} has no ${CSP_HEADER} header to complete.`);
  for (const header of targets) header.value = policy;
  await writeFile(routesManifestPath(distDir), JSON.stringify(manifest));
}

async function collectHashes(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const pages = names.filter((name) => name.endsWith(".html"));
  if (pages.length === 0) throw new Error(`${folder} has no prerendered page.`);
  const hashes = await Promise.all(
    pages.map(async (name) => inlineScriptHashes(await readFile(join(folder, name), "utf8"))),
  );
  return [...new Set(hashes.flat())].sort();
}
