/**
 * Builds the deployable server: Next's standalone output with our own entry in place of its `server.js`.
 * Everything that is ours is bundled; `next` and PGlite (WebAssembly files) stay packages in `node_modules`.
 */
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { sourceFingerprint } from "./source-fingerprint.ts";

const root = join(import.meta.dirname, "..");
const standalone = join(root, ".next", "standalone");
const PACKAGES_BESIDE = ["@electric-sql/pglite"];
const require = createRequire(import.meta.url);

async function bundle(entries: Record<string, string>): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: standalone,
    bundle: true,
    platform: "node",
    target: "node22.12",
    format: "esm",
    sourcemap: true,
    sourcesContent: false,
    minifySyntax: true,
    external: ["next", "pg-native", ...PACKAGES_BESIDE],
    // CommonJS packages inside an ES module bundle still call require().
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
}

function copyPackage(name: string): void {
  let directory = dirname(require.resolve(name));
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  cpSync(directory, join(standalone, "node_modules", name), { recursive: true, dereference: true });
}

rmSync(join(root, ".next", "standalone"), { recursive: true, force: true });
await execa("next", ["build"], {
  cwd: root,
  preferLocal: true,
  localDir: root,
  stdio: "inherit",
  env: { NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" },
});
cpSync(join(root, ".next", "static"), join(standalone, ".next", "static"), { recursive: true });
if (existsSync(join(root, "public"))) cpSync(join(root, "public"), join(standalone, "public"), { recursive: true });
cpSync(join(root, "drizzle"), join(standalone, "drizzle"), { recursive: true });
await bundle({
  server: "src/server/main.ts",
  "relay-worker": "src/server/relay-worker.ts",
  "embedded-worker": "src/lib/db/embedded-worker.ts",
  migrate: "scripts/migrate.ts",
  keys: "scripts/keys.ts",
});
for (const name of PACKAGES_BESIDE) copyPackage(name);
writeFileSync(join(standalone, "build.json"), `${JSON.stringify({ fingerprint: sourceFingerprint(root) })}\n`);
