/** Agents and servers of other versions: what passes a line is rewritten as an older or a newer one would have said it. */
import { isFields, type Fields } from "../../lib/openai/fields.ts";

/** Which end of a line is of another version. */
export const DIALECTS = ["newer agent", "older agent", "newer server", "older server"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** Larger ones pass as they are: a newer agent, too, stays below the bound that it was told. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;
const FUTURE = { since: 2, list: [1, "two", null] };

/** A POST as an agent of another version would have written it. */
export function rewritePost(dialect: Dialect | undefined, body: Buffer): Buffer {
  if (dialect === "newer agent") {
    return rewrite(body, (messages) => [
      { type: "telemetry", load: 0.5 },
      ...messages.map((message) => ({ ...message, future: FUTURE })),
    ]);
  }
  // One that knew no batches, and none of the fields that may be left out.
  if (dialect === "older agent") return rewrite(body, (messages) => alone(messages.map(withoutOptionalFields)));
  return body;
}

/** The answer to a POST as a server of another version would have given it. */
export function rewriteAnswer(dialect: Dialect | undefined, body: Buffer): Buffer {
  if (dialect !== "newer server" && dialect !== "older server") return body;
  const answer = parse(body);
  if (!isFields(answer) || !Array.isArray(answer["results"])) return body;
  const results = answer["results"].map((result: Fields) => {
    if (dialect === "newer server") return { ...result, future: FUTURE };
    const { retryAfterMs: _unknown, ...known } = result;
    return known;
  });
  return Buffer.from(JSON.stringify({ ...answer, results, ...(dialect === "newer server" && { future: FUTURE }) }));
}

/** Rewrites an event stream; what is not a whole event yet is kept. */
export class EventRewriter {
  readonly #dialect: Dialect;
  #carry: Buffer = Buffer.alloc(0);

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  take(bytes: Buffer): Buffer {
    const waiting = Buffer.concat([this.#carry, bytes]);
    const end = waiting.lastIndexOf("\n\n");
    this.#carry = waiting.subarray(end === -1 ? 0 : end + 2);
    if (end === -1) return Buffer.alloc(0);
    const events = waiting.subarray(0, end).toString("utf8").split("\n\n");
    return Buffer.from(events.map((event) => `${this.#rewrite(event)}\n\n`).join(""));
  }

  #rewrite(event: string): string {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
    if (name === undefined || data === undefined) return event;
    const fields = JSON.parse(data) as Fields;
    if (this.#dialect === "newer server") {
      const unknown = `event: advice\ndata: ${JSON.stringify({ future: FUTURE })}`;
      return `event: ${name}\ndata: ${JSON.stringify({ ...fields, future: FUTURE })}\n\n${unknown}`;
    }
    const { traceparent: _unknown, ...known } = fields;
    return `event: ${name}\ndata: ${JSON.stringify(known)}`;
  }
}

function rewrite(body: Buffer, change: (messages: readonly Fields[]) => unknown): Buffer {
  const messages = body.length > MAX_BODY_BYTES ? undefined : parse(body);
  return Array.isArray(messages) ? Buffer.from(JSON.stringify(change(messages as Fields[]))) : body;
}

function alone(messages: readonly unknown[]): unknown {
  return messages.length === 1 ? messages[0] : messages;
}

function withoutOptionalFields(message: Fields): Fields {
  if (message["type"] === "hello") {
    const { sessionId: _session, clis, ...rest } = message;
    const named = (clis as Fields[]).map(({ name, version, ready }) => ({ name, version, ready }));
    return { ...rest, clis: named };
  }
  if (message["type"] === "complete") {
    const { droppedParams: _params, costUsd: _cost, ...rest } = message;
    return rest;
  }
  const { opened: _opened, stderrTail: _tail, param: _param, ...rest } = message;
  return rest;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
