import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { NextAdapter } from "next";
import { DASHBOARD_DIRECTORY, MANIFEST_NAME, type DashboardFile } from "../../server/dashboard-manifest.ts";
import { isDataPlanePath } from "../../server/data-plane-paths.ts";
import { headersFor, readRoutesManifest } from "./routes-manifest.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};
/** Their names hold a hash of their content. */
const IMMUTABLE_PREFIX = "/_next/static/";
/** The same page once more, for Next's client-side navigation; without it the browser loads the page itself. */
const CLIENT_NAVIGATION = ".rsc";
const NOT_FOUND_PATH = "/404";
/** Pages that Next makes for its own use, under names that are no addresses. */
const INTERNAL_PATHS: ReadonlySet<string> = new Set(["/500", "/_global-error", "/_not-found"]);

type AdapterOutputs = Parameters<NonNullable<NextAdapter["onBuildComplete"]>>[0]["outputs"];

interface BuiltFile {
  readonly path: string;
  readonly source: string;
}

/** Throws for a kind of file that the dashboard has none of. */
function contentTypeOf(path: string): string {
  const contentType = CONTENT_TYPES[extname(fileName(path))];
  if (contentType === undefined) throw new Error(`There is no content type for ${path}.`);
  return contentType;
}

/**
 * Writes everything that the built server answers outside of the data plane into one folder with a manifest. Throws when
 * a page would have to be rendered per request: the process that proxies does not render (docs/adr/0001).
 */
export async function writeDashboard(distDir: string, outputs: AdapterOutputs): Promise<void> {
  // Named before the first is written: a failure leaves no other write under way.
  const built = collectFiles(outputs).map((file) => ({ ...file, contentType: contentTypeOf(file.path) }));
  const directory = join(distDir, DASHBOARD_DIRECTORY);
  const rules = await readRoutesManifest(distDir);
  await rm(directory, { recursive: true, force: true });
  const write = async ({ path, source, contentType }: (typeof built)[number]): Promise<DashboardFile> => {
    const file = fileName(path);
    const target = join(directory, file);
    await mkdir(dirname(target), { recursive: true });
    await cp(source, target);
    const headers = { "content-type": contentType, "cache-control": cacheControl(path), ...headersFor(rules, path) };
    return { path, file, compressed: await compress(target), headers };
  };
  const files = await Promise.all(built.map(write));
  const notFound = files.find((file) => file.path === NOT_FOUND_PATH);
  if (notFound === undefined) throw new Error("The build has no page for unknown addresses.");
  const manifest = { files: files.filter((file) => file !== notFound), notFound };
  await writeFile(join(directory, MANIFEST_NAME), `${JSON.stringify(manifest, undefined, 1)}\n`);
}

function collectFiles(outputs: AdapterOutputs): BuiltFile[] {
  const prerendered = outputs.prerenders
    .filter((output) => output.routeType !== undefined && !INTERNAL_PATHS.has(output.pathname))
    .map((output): BuiltFile => {
      const source = output.fallback?.filePath;
      if (output.compute !== "static" || source === undefined) throw new Error(perRequest(output.pathname));
      return { path: output.pathname, source };
    });
  const assets = outputs.staticFiles
    .filter((output) => !INTERNAL_PATHS.has(output.pathname))
    .map((output): BuiltFile => ({ path: output.pathname, source: output.filePath }));
  const files = [...prerendered, ...assets];
  const known = new Set([...files.map((file) => file.path), ...INTERNAL_PATHS]);
  const rendered = [...outputs.appPages, ...outputs.pages, ...outputs.pagesApi, ...outputs.appRoutes].find(
    ({ pathname }) => !known.has(pathname) && !pathname.endsWith(CLIENT_NAVIGATION) && !isMount(pathname),
  );
  if (rendered !== undefined) throw new Error(perRequest(rendered.pathname));
  if (outputs.middleware !== undefined) throw new Error(perRequest("The middleware"));
  return files;
}

/** Route files that mount the data plane are for hosts where only Next runs. */
function isMount(pathname: string): boolean {
  return isDataPlanePath("GET", pathname, "text/html");
}

function perRequest(what: string): string {
  return `${what} is rendered per request; the built server serves prerendered pages only (docs/adr/0001).`;
}

function fileName(path: string): string {
  const name = path === "/" ? "index" : path.slice(1);
  return extname(name) === "" ? `${name}.html` : name;
}

function cacheControl(path: string): string {
  if (path.startsWith(IMMUTABLE_PREFIX)) return "public, max-age=31536000, immutable";
  return path === NOT_FOUND_PATH ? "no-store" : "no-cache";
}

async function compress(target: string): Promise<boolean> {
  const plain = await readFile(target);
  const compressed = await promisify(gzip)(plain, { level: 9 });
  if (compressed.length >= plain.length) return false;
  await writeFile(`${target}.gz`, compressed);
  return true;
}
