/** The admin API as the dashboard sees it, with data that the test chooses; every other path gets the built page. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { signInRequestSchema, type Overview } from "../../src/lib/admin/types.ts";

export interface FakeAdminServer {
  readonly url: string;
  /** Sends an overview to every open page, and to those that connect later. */
  publish(overview: Overview): void;
  /** Writes any text as the data of an `overview` event. */
  publishRaw(data: string): void;
  /** Ends all sessions, as a restarted proxy with a new cookie secret would. */
  forgetSessions(): void;
  /** Cuts the open event streams; while `refuse` holds, new ones are answered with 502. */
  cutEvents(refuse?: boolean): void;
  close(): Promise<void>;
}

/** Starts the fake on 127.0.0.1 in front of what serves the pages. Its session is any cookie that it set itself. */
export async function startFakeAdminServer(
  servePage: (request: IncomingMessage, response: ServerResponse) => void,
  adminKey: string,
): Promise<FakeAdminServer> {
  const streams = new Set<ServerResponse>();
  let sessions = new Set<string>();
  let latest: string | undefined;
  let refuseEvents = false;

  const isSignedIn = (request: IncomingMessage): boolean =>
    sessions.has(/codewise_session=(?<id>\w+)/.exec(request.headers.cookie ?? "")?.groups?.["id"] ?? "");
  const sendEvent = (stream: ServerResponse, data: string): void => {
    stream.write(`event: overview\ndata: ${data}\n\n`);
  };
  const publishRaw = (data: string): void => {
    latest = data;
    for (const stream of streams) sendEvent(stream, data);
  };

  const answerSession = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === "GET") return sendJson(response, 200, { signedIn: isSignedIn(request) });
    if (request.headers["x-codewise-csrf"] !== "1") return sendFailure(response, 403, "csrf_rejected");
    if (request.method === "DELETE") {
      sessions = new Set();
      response.writeHead(204).end();
      return undefined;
    }
    const parsed = signInRequestSchema.safeParse(JSON.parse(await readText(request)));
    if (parsed.data?.key !== adminKey) return sendFailure(response, 401, "invalid_api_key");
    const id = `s${sessions.size + 1}${Date.now()}`;
    sessions.add(id);
    response.writeHead(204, { "set-cookie": `codewise_session=${id}; HttpOnly; SameSite=Strict; Path=/` }).end();
    return undefined;
  };

  const answerEvents = (request: IncomingMessage, response: ServerResponse): void => {
    if (refuseEvents) return sendFailure(response, 502, "upstream_error");
    if (!isSignedIn(request)) return sendFailure(response, 401, "invalid_api_key");
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    response.write("retry: 100\n\n");
    streams.add(response);
    response.on("close", () => streams.delete(response));
    if (latest !== undefined) sendEvent(response, latest);
  };

  const server = createServer((request, response) => {
    if (request.url === "/api/admin/session") void answerSession(request, response);
    else if (request.url === "/api/admin/events") answerEvents(request, response);
    else servePage(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publish: (overview) => publishRaw(JSON.stringify(overview)),
    publishRaw,
    forgetSessions: () => {
      sessions = new Set();
    },
    cutEvents: (refuse = false) => {
      refuseEvents = refuse;
      for (const stream of streams) stream.destroy();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function sendFailure(response: ServerResponse, status: number, code: string): void {
  sendJson(response, status, { error: { message: "Refused.", type: "invalid_request_error", param: null, code } });
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
