/** Security headers of the pages: pure, read by next.config.ts and by the build adapter beside this file. */
import { createHash } from "node:crypto";

export interface Header {
  readonly key: string;
  readonly value: string;
}

export const CSP_HEADER = "Content-Security-Policy";

/**
 * The content security policy (CSP level 3). Everything is this origin's own; nothing may frame the page, and no form
 * submits by itself. `scripts` are the further script sources: hashes of the shell's inline scripts in a build.
 */
export function contentSecurityPolicy(scripts: readonly string[], styles: readonly string[] = []): string {
  return [
    "default-src 'none'",
    ["script-src 'self'", ...scripts].join(" "),
    ["style-src 'self'", ...styles].join(" "),
    "img-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** All headers with a given policy. */
export function securityHeaders(policy: string): Header[] {
  return [
    { key: CSP_HEADER, value: policy },
    { key: "X-Content-Type-Options", value: "nosniff" },
    { key: "X-Frame-Options", value: "DENY" },
    { key: "Referrer-Policy", value: "no-referrer" },
    { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
    { key: "Cross-Origin-Resource-Policy", value: "same-origin" },
    { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=()" },
  ];
}

const INLINE_SCRIPT = /<script(?<attributes>[^>]*)>(?<text>[^]*?)<\/script>/g;

/** CSP sources (`'sha256-…'`) of the inline scripts of a page that our own build wrote. */
export function inlineScriptHashes(html: string): string[] {
  const hashes = new Set<string>();
  for (const { groups } of html.matchAll(INLINE_SCRIPT)) {
    const text = groups?.["text"] ?? "";
    if (text === "" || /\ssrc=/.test(groups?.["attributes"] ?? "")) continue;
    hashes.add(`'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  }
  return [...hashes];
}
