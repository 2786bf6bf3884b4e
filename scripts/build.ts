/**
 * Builds the deployable server into `.next/standalone/`: our bundled entry, the dashboard as Next prerendered it
 * (`src/app/_build/`), the migrations, and PGlite, whose WebAssembly files stay a package in `node_modules`. Next itself
 * is no part of it (docs/adr/0001).
 */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { DASHBOARD_DIRECTORY } from "../src/server/dashboard-manifest.ts";
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
    // The entry opens the port before it loads the rest. Chunks stay beside the entries: files are found from there.
    splitting: true,
    chunkNames: "[name]-[hash]",
    platform: "node",
    target: "node22.12",
    format: "esm",
    sourcemap: true,
    sourcesContent: false,
    minifySyntax: true,
    // Only the development mode loads `next`.
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
// Of Next's standalone output only its place is used: nothing is rendered at run time, so neither its server nor the
// packages traced for it are shipped (docs/adr/0001).
rmSync(standalone, { recursive: true, force: true });
mkdirSync(standalone);
writeFileSync(join(standalone, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
cpSync(join(root, ".next", DASHBOARD_DIRECTORY), join(standalone, DASHBOARD_DIRECTORY), { recursive: true });
cpSync(join(root, "drizzle"), join(standalone, "drizzle"), { recursive: true });
await bundle({
  server: "src/server/main.ts",
  "relay-worker": "src/server/relay-worker.ts",
  "embedded-worker": "src/lib/db/embedded-worker.ts",
  "prepare-body-worker": "src/lib/prepare-body/prepare-body-worker.ts",
  migrate: "scripts/migrate.ts",
  keys: "scripts/keys.ts",
  agents: "scripts/agents.ts",
});
for (const name of PACKAGES_BESIDE) copyPackage(name);
writeFileSync(join(standalone, "build.json"), `${JSON.stringify({ fingerprint: sourceFingerprint(root) })}\n`);
