import "./zod-setup.ts";
import { z } from "zod";

/** Where the live overview comes from; the session cookie is sent along. */
export const EVENTS_URL = "/api/admin/events";
const SESSION_URL = "/api/admin/session";
/** Sent with every unsafe request: a foreign page cannot add it without being asked by CORS first. */
const CSRF_HEADERS = { "x-codewise-csrf": "1" };

const sessionSchema = z.object({ signedIn: z.boolean() });

export type SignInOutcome =
  | { readonly kind: "signed-in" }
  | { readonly kind: "wrong-key" }
  | { readonly kind: "too-many"; readonly retryAfterSeconds: number | undefined }
  | { readonly kind: "failed"; readonly status: number };

/** Whether the browser holds a valid session. Rejects when the proxy cannot be reached or answers nonsense. */
export async function fetchSignedIn(signal?: AbortSignal): Promise<boolean> {
  const response = await fetch(SESSION_URL, { cache: "no-store", signal: signal ?? null });
  if (response.status === 401) return false;
  if (!response.ok) throw new Error(`The session check was answered with status ${response.status}.`);
  return sessionSchema.parse(await response.json()).signedIn;
}

/** Trades the admin key for a session cookie that scripts cannot read. Rejects when the proxy cannot be reached. */
export async function signIn(key: string): Promise<SignInOutcome> {
  const response = await fetch(SESSION_URL, {
    method: "POST",
    headers: { ...CSRF_HEADERS, "content-type": "application/json" },
    body: JSON.stringify({ key }),
  });
  if (response.ok) return { kind: "signed-in" };
  if (response.status === 429) return { kind: "too-many", retryAfterSeconds: readRetryAfter(response.headers) };
  // An empty or oversized key is refused by the schema with 400: for the reader it is a wrong key all the same.
  if (response.status === 401 || response.status === 400) return { kind: "wrong-key" };
  return { kind: "failed", status: response.status };
}

/** Ends the session. Rejects when the proxy cannot be reached or refuses. */
export async function signOut(): Promise<void> {
  const response = await fetch(SESSION_URL, { method: "DELETE", headers: CSRF_HEADERS });
  if (!response.ok && response.status !== 401) throw new Error(`Signing out was answered with ${response.status}.`);
}

function readRetryAfter(headers: Headers): number | undefined {
  const seconds = Number.parseInt(headers.get("retry-after") ?? "", 10);
  return Number.isNaN(seconds) ? undefined : seconds;
}
