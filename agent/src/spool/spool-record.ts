/** The lines of a request's spool file, and what a file that a dead process left behind still says. */
import { z } from "zod";
import { agentMessageSchema } from "../../../src/lib/agent/types.ts";
import type { SealedMessage } from "../outbox-queue.ts";

/** Which request, and which attempt of it; never what was asked. */
const headerSchema = z.object({
  spool: z.literal(1),
  requestId: z.string().min(1).max(128),
  attempt: z.int().min(1),
});

/** A request of a process that is gone. */
export interface RecoveredRequest {
  readonly requestId: string;
  readonly attempt: number;
  /** What is left to say, with the end as the last and no hole before it; empty where its end was never known. */
  readonly messages: readonly SealedMessage[];
}

/** The first line. JSON has no line end within a value, so that a line is a record. */
export function headerLine(requestId: string, attempt: number): string {
  return `${JSON.stringify({ spool: 1, requestId, attempt })}\n`;
}

/**
 * Reads a file. Undefined where not even its first line is whole. A line that is torn or malformed ends it: what comes
 * after cannot be trusted.
 */
export function readRecords(text: string): RecoveredRequest | undefined {
  // Only what has its line end: the last line may never have been finished.
  const [first = "", ...lines] = Array.from(text.matchAll(/([^\n]*)\n/g), ([, line = ""]) => line);
  const header = headerSchema.safeParse(parse(first));
  if (!header.success) return undefined;
  const { requestId, attempt } = header.data;
  const found = new Map<number, SealedMessage>();
  let end: number | undefined;
  for (const json of lines) {
    const message = agentMessageSchema.safeParse(parse(json)).data;
    if (message === undefined || !("seq" in message) || message.requestId !== requestId) break;
    found.set(message.seq, { seq: message.seq, json, bytes: Buffer.byteLength(json) });
    if (message.type === "complete" || message.type === "error") end = message.seq;
  }
  return { requestId, attempt, messages: end === undefined ? [] : withoutHole(found, end) };
}

/** What leads to the end in an unbroken row. */
function withoutHole(found: ReadonlyMap<number, SealedMessage>, end: number): SealedMessage[] {
  const messages: SealedMessage[] = [];
  for (let message = found.get(end); message !== undefined; message = found.get(message.seq - 1)) {
    messages.push(message);
  }
  return messages.toReversed();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
