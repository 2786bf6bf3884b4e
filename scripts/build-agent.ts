/** Bundles `agent/src/index.ts` with all it imports into `agent/dist/index.js`, which runs by itself. */
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";

const root = join(import.meta.dirname, "..");
const outputFolder = join(root, "agent", "dist");
const outputFile = join(outputFolder, "index.js");

await rm(outputFolder, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["agent/src/index.ts"],
  outfile: outputFile,
  bundle: true,
  // Names stay, so that a stack trace tells where it was.
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  platform: "node",
  target: "node22.12",
  format: "esm",
  legalComments: "none",
  // Bundled CommonJS packages call require() for Node's own modules, which an ES module does not have.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
await chmod(outputFile, 0o755);
await writeFile(join(outputFolder, "THIRD-PARTY-LICENSES.txt"), await collectLicenses(metafile));

/** The licence texts of all bundled packages, which their terms require to go along. Throws where one has none. */
async function collectLicenses({ inputs }: Metafile): Promise<string> {
  const packages = new Set<string>();
  for (const input of Object.keys(inputs)) {
    const match = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
    if (match !== null) packages.add(match[0]);
  }
  const texts = [...packages].toSorted().map(async (path) => {
    const folder = join(root, path);
    const license = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
    if (license === undefined) throw new Error(`${path} has no licence file`);
    const { name, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    return `${name} ${version}\n\n${await readFile(join(folder, license), "utf8")}`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}
