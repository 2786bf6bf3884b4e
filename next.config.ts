import { join } from "node:path";
import type { NextConfig } from "next";
import { PHASE_DEVELOPMENT_SERVER } from "next/constants.js";
import { contentSecurityPolicy, securityHeaders } from "./src/app/_security/headers.ts";

// Hot reloading evaluates code and writes style elements, and the overlay has fonts; none of this is in a build.
const DEVELOPMENT_POLICY = `${contentSecurityPolicy(["'unsafe-inline'", "'unsafe-eval'"], ["'unsafe-inline'"])}; font-src 'self'`;

export default function config(phase: string): NextConfig {
  const development = phase === PHASE_DEVELOPMENT_SERVER;
  return {
    output: "standalone",
    // Types are checked by `npm run check` for the whole repository at once.
    typescript: { ignoreBuildErrors: true },
    poweredByHeader: false,
    compress: false,
    // No image is resized by the server: without the resizer there is neither its endpoint nor its 19 MB of libraries.
    images: { unoptimized: true },
    outputFileTracingRoot: import.meta.dirname,
    // The app imports none of them; one that ever does must not pull their files into a bundle.
    serverExternalPackages: ["@electric-sql/pglite", "pg", "pino", "undici"],
    // Completes the policy below with the hashes of the build's inline scripts, and writes what the built server serves.
    ...(development ? {} : { adapterPath: join(import.meta.dirname, "src/app/_build/adapter.ts") }),
    headers: async () => [
      // The shell names the build's own files: a copy from an older build would ask for files that are gone.
      { source: "/", headers: [{ key: "Cache-Control", value: "no-cache" }] },
      {
        source: "/:path*",
        headers: securityHeaders(development ? DEVELOPMENT_POLICY : contentSecurityPolicy([])),
      },
    ],
  };
}
