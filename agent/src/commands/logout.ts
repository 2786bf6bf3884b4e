import type { Environment, LoadedConfig } from "../config.ts";
import {
  credentialsPath,
  readCredential,
  removeCredential,
  type StoredCredential,
} from "../credentials/credentials-file.ts";
import { EXIT } from "../exit-codes.ts";
import { createProxyClient, describeFailure } from "../http-client.ts";

const REQUEST_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** Has the proxy revoke the stored token, and forgets it. Answers the exit code; where the proxy is away all stays as it is. */
export async function runLogout({ config: { url } }: LoadedConfig, env: Environment): Promise<number> {
  const path = credentialsPath(env);
  const stored = readCredential(path, url);
  if (stored === undefined) {
    process.stdout.write(`Not logged in at ${url}.\n`);
    return EXIT.ok;
  }
  const problem = await endToken(url, stored).catch((error: unknown) => describeFailure(error));
  if (problem !== undefined) {
    process.stderr.write(`codewise-agent: still logged in, since the proxy did not revoke the token (${problem})\n`);
    return EXIT.failure;
  }
  removeCredential(path, url);
  process.stdout.write(`Logged out at ${url}.\n`);
  return EXIT.ok;
}

/** Has the proxy revoke a token. Answers why it did not; undefined where the token is void now. Rejects on network errors. */
export async function endToken(url: string, { agentId, token }: StoredCredential): Promise<string | undefined> {
  const client = createProxyClient({ url, agentId, secret: token });
  try {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const asked = { method: "POST", path: "/api/agent/logout", signal, maxBytes: MAX_ANSWER_BYTES } as const;
    const { status } = await client.exchange(asked);
    // 401: it was revoked before.
    return status === 204 || status === 401 ? undefined : `it answered ${status}`;
  } finally {
    await client.close();
  }
}
