/**
 * A process of its own that plays the OpenAI API and the Messages API by the plans in the prompts, and counts what it told.
 * Prints its address; `GET /ledger` and `GET /sockets` tell its books, `GET /arrived/<id>` waits for a request.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LedgerBook } from "./ledger.ts";
import { decodePlan } from "./plan.ts";
import { answerAsAnthropic } from "./upstream-anthropic.ts";
import { answerAsOpenAI } from "./upstream-openai.ts";

const book = new LedgerBook();
const arrived = new Set<string>();
const waiting = new Map<string, () => void>();

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? "";
  if (request.method === "GET") return await answerAside(url, response);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const plan = decodePlan(Buffer.concat(chunks).toString("latin1"));
  const tell = book.open();
  arrived.add(String(plan.id));
  waiting.get(String(plan.id))?.();
  if (url.startsWith("/v1/messages")) await answerAsAnthropic(plan, response, tell);
  else await answerAsOpenAI(plan, response, tell);
}

async function answerAside(url: string, response: ServerResponse): Promise<void> {
  if (url === "/ledger") {
    response.end(JSON.stringify(book.total()));
  } else if (url === "/sockets") {
    // Besides the one that asks.
    server.getConnections((_error, count) => response.end(String(count - 1)));
  } else if (url.startsWith("/arrived/")) {
    const id = url.slice("/arrived/".length);
    if (!arrived.has(id)) await new Promise<void>((resolve) => waiting.set(id, resolve));
    waiting.delete(id);
    response.end();
  } else {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ data: [{ id: "claude-soak", object: "model", created: 1, owned_by: "soak" }] }));
  }
}

const server = createServer((request, response) => {
  handle(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
