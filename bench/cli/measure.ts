import type { CliExecutor } from "../../src/lib/cli/types.ts";
import type { ScriptedServer } from "../../src/test/fake-scripted-server.ts";
import type { Case } from "./cases.ts";

/** What one request took, in milliseconds from when the executor was asked. */
export interface Measured {
  /** Until the model's API had the whole request. */
  readonly toApiMs: number;
  readonly firstTextMs: number;
  readonly totalMs: number;
  /** Of the request's body at the API. */
  readonly bodyBytes: number;
}

const TIMEOUT_MS = 60_000;

/** Has an executor answer one request in front of the API. Throws where the answer is not the one that was ordered. */
export async function measureRequest(
  executor: CliExecutor,
  model: string,
  { request }: Pick<Case, "request">,
  api: ScriptedServer,
): Promise<Measured> {
  const before = api.requests.length;
  const startedAt = performance.now();
  let firstTextMs = Number.NaN;
  let text = "";
  await executor.execute(
    {
      requestId: "bench",
      request: { ...request, model },
      model,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      firstEventTimeoutMs: TIMEOUT_MS,
      idleTimeoutMs: TIMEOUT_MS,
      deadlineMs: TIMEOUT_MS,
    },
    {
      open: () => undefined,
      delta: ({ content }) => {
        if (content && text === "") firstTextMs = performance.now() - startedAt;
        text += content ?? "";
        return true;
      },
      onDrain: () => undefined,
    },
  );
  const totalMs = performance.now() - startedAt;
  const sent = api.requests[before];
  if (sent === undefined || api.requests.length !== before + 1) throw new Error("not one request reached the API");
  if (text !== "first words of the answer") throw new Error(`the answer is wrong: ${text.slice(0, 200)}`);
  return { toApiMs: sent.receivedAt - startedAt, firstTextMs, totalMs, bodyBytes: Buffer.byteLength(sent.text) };
}
