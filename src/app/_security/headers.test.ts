import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { contentSecurityPolicy, inlineScriptHashes, securityHeaders } from "./headers.ts";

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("inlineScriptHashes", () => {
  it("hashes each inline script's exact text once, and no script that has a source", () => {
    const html = `<script src="/a.js" async=""></script><script id="_R_">one\n</script><p></p><script>two ä</script><script>two ä</script>`;
    expect(inlineScriptHashes(html)).toEqual([hash("one\n"), hash("two ä")]);
  });
});

describe("contentSecurityPolicy", () => {
  it("allows this origin and the given hashes only: no eval, no inline code, no frames, no form targets", () => {
    const policy = contentSecurityPolicy([hash("one")]);
    expect(policy).toContain(`script-src 'self' ${hash("one")};`);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]) {
      expect(policy.split("; ")).toContain(rule);
    }
  });
});

describe("securityHeaders", () => {
  it("name each header once", () => {
    const keys = securityHeaders("x").map((header) => header.key.toLowerCase());
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toEqual(
      expect.arrayContaining(["content-security-policy", "x-content-type-options", "referrer-policy"]),
    );
  });
});
