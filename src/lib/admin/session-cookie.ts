import { createHmac, timingSafeEqual } from "node:crypto";

export const SESSION_COOKIE = "codewise_session";
export const SESSION_MAX_AGE_MS = 12 * 60 * 60_000;

const TOKEN = /^(\d{1,16})\.([A-Za-z0-9_-]{43})$/;

function sign(expiresAtMs: string, signingKey: Buffer): Buffer {
  return createHmac("sha256", signingKey).update(expiresAtMs).digest();
}

/** A session as it stands in the cookie: its end in milliseconds since the epoch, and an HMAC-SHA256 over it. */
export function issueSession(signingKey: Buffer, nowMs: number): string {
  const expiresAtMs = String(nowMs + SESSION_MAX_AGE_MS);
  return `${expiresAtMs}.${sign(expiresAtMs, signingKey).toString("base64url")}`;
}

/** Whether a cookie's value was signed with this key and has not ended. Compared in constant time. */
export function isValidSession(value: string, signingKey: Buffer, nowMs: number): boolean {
  const [, expiresAtMs, signature] = TOKEN.exec(value) ?? [];
  if (expiresAtMs === undefined || signature === undefined) return false;
  const given = Buffer.from(signature, "base64url");
  const expected = sign(expiresAtMs, signingKey);
  return given.length === expected.length && timingSafeEqual(given, expected) && Number(expiresAtMs) > nowMs;
}

/** The value of the session cookie in a `Cookie` header (RFC 6265, section 4.2). */
export function readSessionCookie(header: string | undefined): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const separator = pair.indexOf("=");
    if (pair.slice(0, separator).trim() === SESSION_COOKIE) return pair.slice(separator + 1).trim();
  }
  return undefined;
}

/** The `Set-Cookie` header of a session, or with an empty value of its end. Out of reach of scripts and of other sites. */
export function renderSessionCookie(value: string, isSecure: boolean): string {
  const maxAge = value === "" ? 0 : SESSION_MAX_AGE_MS / 1000;
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}
