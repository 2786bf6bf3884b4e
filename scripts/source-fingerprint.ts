import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const INPUTS = [
  "src",
  "public",
  "drizzle",
  "scripts",
  "package.json",
  "package-lock.json",
  "next.config.ts",
  "tsconfig.json",
];

/** A digest of everything that the build reads (tests left out), so that `npm start` builds only what changed. */
export function sourceFingerprint(root: string): string {
  const hash = createHash("sha256");
  const visit = (path: string): void => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || /\.test\.tsx?$|__fixtures__/.test(path)) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path).toSorted()) visit(join(path, name));
      return;
    }
    hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
  };
  for (const input of INPUTS) visit(join(root, input));
  return hash.digest("hex");
}
