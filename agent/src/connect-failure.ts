/** What an answer to `GET /api/agent/connect` other than a stream means, in words for the owner of the machine. */
import type { Dispatcher } from "undici";
import { z } from "zod";
import { EXIT } from "./exit-codes.ts";
import { parseJson, readText, retryAfterMs } from "./http-client.ts";
import { printable } from "./logger.ts";
import { AGENT_VERSION } from "./version.ts";

export interface ConnectFailure {
  readonly message: string;
  /** Whether to give up: never, only before the first connection ever, or at any time. */
  readonly finality: "never" | "at-first" | "always";
  readonly exitCode?: number;
  readonly retryAfterMs?: number | undefined;
}

const MAX_ANSWER_BYTES = 64 * 1024;

const incompatibleSchema = z.looseObject({
  supported: z.union([z.number(), z.array(z.number())]).optional(),
  download: z.string().max(500).optional(),
});

/** Reads a refusal, or answers `null` for a stream, whose body is then untouched. `hasToken`: as `ProxyClient` has it. */
export async function connectFailure(
  answer: Dispatcher.ResponseData,
  hasToken: boolean,
): Promise<ConnectFailure | null> {
  const contentType = String(answer.headers["content-type"] ?? "");
  if (answer.statusCode === 200 && contentType.startsWith("text/event-stream")) return null;
  const text = await readText(answer.body, MAX_ANSWER_BYTES).catch(() => "");
  const { statusCode: status, headers } = answer;
  return (hasToken ? explainToken(status) : undefined) ?? explain(status, headers, text);
}

/** A token that is refused stays refused, whatever came before. */
function explainToken(status: number): ConnectFailure | undefined {
  const exitCode = EXIT.unauthorized;
  if (status === 401) {
    const message = "the proxy refused the token: it was revoked, so log in again with codewise-agent login";
    return { message, finality: "always", exitCode };
  }
  if (status === 403) {
    const message = "the token belongs to an agent of another id: leave out --agent-id, or log in again";
    return { message, finality: "always", exitCode };
  }
  return undefined;
}

function explain(status: number, headers: Dispatcher.ResponseData["headers"], text: string): ConnectFailure {
  if (status === 401 || status === 403) {
    const message = "the proxy refused the secret: it must equal AGENT_SECRET of the proxy";
    return { message, finality: "at-first", exitCode: EXIT.unauthorized };
  }
  if (status === 409) {
    const message = "another agent with this id is connected: stop it, or give this one another --agent-id";
    return { message, finality: "never", retryAfterMs: retryAfterMs(headers) };
  }
  if (status === 426) {
    return { message: explainIncompatible(text), finality: "always", exitCode: EXIT.incompatible };
  }
  if (status >= 300 && status < 400) {
    const target = printable(String(headers["location"] ?? "another address")).slice(0, 200);
    return { message: `the proxy redirects to ${target}: give that address as --url`, finality: "never" };
  }
  if (status === 404) {
    const message = "no agents are accepted at this address: check --url, and that a Codewise proxy runs there";
    return { message, finality: "never" };
  }
  if (status === 200) return { message: "the answer is no event stream: check --url", finality: "never" };
  return { message: `the proxy answered ${status}`, finality: "never", retryAfterMs: retryAfterMs(headers) };
}

function explainIncompatible(text: string): string {
  const details = incompatibleSchema.safeParse(parseJson(text));
  const { supported, download } = details.success ? details.data : {};
  const versions = supported === undefined ? "" : ` (it speaks ${[supported].flat().join(", ")})`;
  const hint = download === undefined ? "npm install --global codewise-agent@latest" : printable(download);
  return `the proxy does not speak the protocol of codewise-agent ${AGENT_VERSION}${versions}; get a matching one: ${hint}`;
}
