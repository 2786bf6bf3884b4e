import { z } from "zod";
import type { Env } from "../../src/lib/env.ts";
import { UsageError } from "./usage-error.ts";

const REQUEST_TIMEOUT_MS = 15_000;

const errorBodySchema = z.object({ error: z.object({ message: z.string() }) });

/** Nothing listens at the address. */
export class ConnectionRefused extends Error {}

/** Where the proxy with these settings listens, unless `CODEWISE_URL` says otherwise. */
export function proxyUrl(env: Env): string {
  return env.CODEWISE_URL ?? `http://127.0.0.1:${env.PORT}`;
}

/** The admin key of the proxy at `url`. Throws {@link UsageError} where it is not given. */
export function requireAdminKey(env: Env, url: string): string {
  if (env.CODEWISE_ADMIN_KEY !== undefined) return env.CODEWISE_ADMIN_KEY;
  throw new UsageError(
    `Set CODEWISE_ADMIN_KEY to the admin key of the proxy at ${url} (PORT or CODEWISE_URL: another one).`,
  );
}

/**
 * One call of the proxy's API; answers the JSON, undefined where there is none. Throws {@link ConnectionRefused} where
 * nothing listens, and for an answer that is an error, in words for the operator.
 */
export async function callProxy(url: string, path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ECONNREFUSED") throw new ConnectionRefused(`no proxy listens at ${url}`, { cause: error });
    throw new Error(`no proxy answers at ${url}${typeof code === "string" ? ` (${code})` : ""}`, { cause: error });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const message = errorBodySchema.safeParse(body).data?.error.message ?? "no reason given";
  throw new Error(`the proxy at ${url} answered ${response.status}: ${message.replace(/\.$/, "")}`);
}

/** Calls the admin API and checks what it answers. The function throws as {@link callProxy}. */
export function createAdminClient(url: string, adminKey: string) {
  return async <Schema extends z.ZodType>(
    schema: Schema,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<Schema>> => {
    const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const parsed = schema.safeParse(await callProxy(url, path, init));
    if (!parsed.success) throw new Error(`what answers at ${url} is not a Codewise proxy`);
    return parsed.data;
  };
}
