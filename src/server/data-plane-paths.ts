const PREFIXES = ["/v1/", "/api/"] as const;
const EXACT: ReadonlySet<string> = new Set(["/v1", "/api", "/healthz", "/readyz", "/metrics", "/openapi.json"]);
const PAGE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Whether a request is the data plane's. Pages and their assets go to Next; every other path that is not asked for as a
 * page (another method, or a client that accepts JSON and no HTML) gets an OpenAI error object instead of an HTML page.
 */
export function isDataPlanePath(method: string, path: string, accept: string): boolean {
  if (EXACT.has(path) || PREFIXES.some((prefix) => path.startsWith(prefix))) return true;
  if (path === "/" || path.startsWith("/_next/")) return !PAGE_METHODS.has(method);
  if (!PAGE_METHODS.has(method)) return true;
  // Icons and other public files have an extension; pages are asked for by browsers, which accept HTML.
  return !accept.includes("text/html") && !/\.[a-z0-9]+$/i.test(path);
}
