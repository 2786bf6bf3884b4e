import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { readPath } from "../lib/http/node-context.ts";
import { dashboardManifestSchema, MANIFEST_NAME, type DashboardFile } from "./dashboard-manifest.ts";

type Headers = Readonly<Record<string, string | number>>;

const OF_A_BODY: ReadonlySet<string> = new Set(["content-type", "content-encoding", "content-length"]);

/** A file in one encoding, as it goes out. */
interface Representation {
  readonly body: Buffer;
  readonly etag: string;
  readonly headers: Headers;
  /** Those of a 304. */
  readonly validators: Headers;
}

interface StoredFile {
  readonly plain: Representation;
  readonly compressed: Representation | undefined;
}

/**
 * Loads the built dashboard from its folder into memory (about a megabyte) and returns what answers GET and HEAD from
 * there: known paths with 200 or 304, every other one with the page for unknown addresses and 404. No request touches the
 * file system or starts a rendering; a client that does not read holds up nothing but its own socket. Range requests get
 * the whole file, as RFC 9110 14.2 allows. Rejects when the folder is not a complete build.
 */
export async function loadDashboardFiles(
  directory: string,
): Promise<(request: IncomingMessage, response: ServerResponse) => void> {
  const manifest = dashboardManifestSchema.parse(JSON.parse(await readFile(join(directory, MANIFEST_NAME), "utf8")));
  const notFound = await loadFile(directory, manifest.notFound);
  const files = new Map<string, StoredFile>();
  for (const file of manifest.files) files.set(file.path, await loadFile(directory, file));

  return (request, response) => {
    const file = files.get(readPath(request.url ?? "/"));
    const { plain, compressed } = file ?? notFound;
    const chosen = compressed !== undefined && acceptsGzip(request.headers) ? compressed : plain;
    if (file !== undefined && isCurrent(request.headers["if-none-match"], chosen.etag)) {
      response.writeHead(304, chosen.validators);
      response.end();
      return;
    }
    response.writeHead(file === undefined ? 404 : 200, chosen.headers);
    if (request.method === "HEAD") response.end();
    else response.end(chosen.body);
  };
}

async function loadFile(directory: string, { file, compressed, headers }: DashboardFile): Promise<StoredFile> {
  const common = compressed ? { ...headers, vary: "accept-encoding" } : headers;
  const path = join(directory, file);
  return {
    plain: represent(await readFile(path), common),
    compressed: compressed
      ? represent(await readFile(`${path}.gz`), common, { "content-encoding": "gzip" })
      : undefined,
  };
}

function represent(body: Buffer, common: Headers, encoding: Headers = {}): Representation {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const headers: Headers = { ...common, ...encoding, etag, "content-length": body.length };
  const validators = Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_A_BODY.has(name)));
  return { body, etag, headers, validators };
}

/** Accept-Encoding of RFC 9110 12.5.3, as far as gzip goes. */
function acceptsGzip(headers: IncomingHttpHeaders): boolean {
  const accepted = headers["accept-encoding"];
  if (typeof accepted !== "string") return false;
  return accepted.split(",").some((part) => {
    const [coding = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    return coding === "gzip" && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

/** If-None-Match of RFC 9110 13.1.2, by its weak comparison. */
function isCurrent(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || (tags.length === 1 && tags[0] === "*");
}
