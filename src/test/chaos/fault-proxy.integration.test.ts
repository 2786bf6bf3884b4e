import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import type { LinePlan, PostFault, StreamFault } from "./faults.ts";

const EVENTS = ["one", "two", "three", "four"].map((data) => `event: e\ndata: ${data}\n\n`);

let server: Server;
let bodies: string[];
const streams = { open: 0 };
let line: FaultProxy | undefined;
let fired: string[];

beforeEach(async () => {
  [bodies, fired, line] = [[], [], undefined];
  streams.open = 0;
  server = createServer((request, response) => {
    if (request.url === "/api/agent/connect") {
      streams.open += 1;
      response.on("close", () => {
        streams.open -= 1;
        server.emit("stream closed");
      });
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of EVENTS) response.write(event);
      return;
    }
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      bodies.push(body);
      server.emit("body");
      response.end(`{"got":"${body}"}`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  await line?.close();
  server.closeAllConnections();
  server.close();
});

async function open(plan: Partial<LinePlan>): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const whole = { posts: new Map(), streams: new Map(), lostInputs: 0, ...plan };
  line = await createFaultProxy({ port, plan: whole, onFault: (fault) => fired.push(fault) });
  return line.url;
}

/** The answer's text, or `broken`. */
async function post(url: string, body: string): Promise<string> {
  try {
    const answer = await fetch(`${url}/api/agent/response`, { method: "POST", body });
    return await answer.text();
  } catch {
    return "broken";
  }
}

const got = (body: string): string => `{"got":"${body}"}`;

async function arrived(count: number): Promise<void> {
  while (bodies.length < count) await once(server, "body");
}

describe("the fault proxy, on POSTs", () => {
  it.each<[PostFault, string, readonly string[]]>([
    ["post lost", "broken", []],
    ["post cut short", "broken", []],
    ["answer lost", "broken", ["first"]],
    ["answer cut short", "broken", ["first"]],
    ["post duplicated", got("first"), ["first", "first"]],
    ["post delayed", got("first"), ["first"]],
    ["answer delayed", got("first"), ["first"]],
    ["line stalled, short", got("first"), ["first"]],
  ])("%s: the agent sees %s, the server %j", async (fault, seen, reached) => {
    const url = await open({ posts: new Map([[0, { fault, ms: 30, reset: true }]]) });
    expect(await post(url, "first")).toBe(seen);
    expect(bodies).toEqual(reached);
    expect(await post(url, "second")).toBe(got("second"));
    expect(fired).toEqual([fault]);
  });

  it.each<[PostFault, string, readonly string[]]>([
    ["post replayed late", got("first"), ["first", "second", "first"]],
    ["post overtaken", "broken", ["second", "first"]],
  ])("%s: the bytes arrive again, or only, after a later POST", async (fault, seen, reached) => {
    const url = await open({ posts: new Map([[0, { fault, ms: 30, reset: false }]]) });
    expect(await post(url, "first")).toBe(seen);
    expect(await post(url, "second")).toBe(got("second"));
    await arrived(reached.length);
    expect(bodies).toEqual(reached);
  });
});

describe("the fault proxy, on streams", () => {
  async function read(url: string, until: number): Promise<{ text: string; end: "open" | "ended" | "broken" }> {
    const answer = await fetch(`${url}/api/agent/connect`);
    const decoder = new TextDecoder();
    let text = "";
    try {
      for await (const part of answer.body ?? []) {
        text += decoder.decode(part, { stream: true });
        if (text.length >= until) return { text, end: "open" };
      }
      return { text, end: "ended" };
    } catch {
      return { text, end: "broken" };
    }
  }

  const two = EVENTS.slice(0, 2).join("");

  it.each<[StreamFault, string, string]>([
    ["stream cut after an event", two, "broken"],
    ["stream cut within an event", `${two}${EVENTS[2]?.slice(0, 12)}`, "broken"],
    ["stream half closed", two, "ended"],
  ])("%s: the agent sees so much and a stream that is %s", async (fault, text, end) => {
    const url = await open({ streams: new Map([[0, { fault, afterEvents: 2, reset: false }]]) });
    expect(await read(url, Infinity)).toEqual({ text, end });
    expect(fired).toEqual([fault]);
  });

  it("stream muted: the server's end is closed while the agent's stays open", async () => {
    const url = await open({ streams: new Map([[0, { fault: "stream muted", afterEvents: 2, reset: false }]]) });
    const answer = await fetch(`${url}/api/agent/connect`);
    const reader = answer.body?.getReader();
    let text = "";
    while (text.length < two.length) text += new TextDecoder().decode((await reader?.read())?.value);
    while (streams.open > 0) await once(server, "stream closed");
    expect(text).toBe(two);
    const next = reader?.read().then(() => "ended");
    expect(await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 50, "open"))])).toBe("open");
    await reader?.cancel();
  });

  it("stream in small pieces: nothing is changed", async () => {
    const plan = { fault: "stream in small pieces", afterEvents: 1, reset: false } as const;
    const url = await open({ streams: new Map([[0, plan]]) });
    const all = EVENTS.join("");
    expect((await read(url, all.length)).text).toBe(all);
  });
});
