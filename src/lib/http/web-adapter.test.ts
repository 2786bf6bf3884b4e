import { describe, expect, it } from "vitest";
import type { HttpContext, HttpHandler, HttpResponse } from "./context.ts";
import { GatewayError } from "./errors.ts";
import { toWebResponse } from "./web-adapter.ts";

const decoder = new TextDecoder();
const run = (handle: HttpHandler, path = "/v1/models", init: RequestInit = {}): Promise<Response> =>
  toWebResponse(new Request(`http://127.0.0.1${path}`, init), handle);
const drained = (response: HttpResponse): Promise<void> => new Promise((resolve) => response.once("drain", resolve));
function newGate<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
const readBody = async (context: HttpContext): Promise<string> => {
  const parts: Buffer[] = [];
  context.request.on("data", (chunk: Buffer) => parts.push(chunk));
  await new Promise((resolve) => context.request.on("end", resolve));
  return Buffer.concat(parts).toString("utf8");
};

describe("the request a handler sees", () => {
  it("has the method, the lower-case headers, the decoded path, the query and the whole body", async () => {
    const response = await run(
      async (context) => {
        const body = await readBody(context);
        const { method, headers } = context.request;
        context.response.end(
          JSON.stringify({ method, kind: headers["x-kind"], path: context.path, body, q: context.query.get("q") }),
        );
      },
      "/v1/models/a%2Fb%20%C3%A4?q=1%202",
      { method: "POST", headers: { "X-Kind": "test" }, body: "häuser" },
    );
    expect(await response.json()).toEqual({
      method: "POST",
      kind: "test",
      path: "/v1/models/a/b ä",
      body: "häuser",
      q: "1 2",
    });
  });

  it("ends at once where there is no body", async () => {
    const response = await run(async (context) => void context.response.end(await readBody(context)));
    expect(await response.text()).toBe("");
  });

  it("is refused with 400 when its path is not valid percent-encoding", async () => {
    const response = await run(async () => expect.unreachable(), "/v1/models/%ff");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_request", param: null } });
  });
});

describe("the response a handler writes", () => {
  it("arrives while the handler still runs, with its status and every repeated header", async () => {
    const gate = newGate<void>();
    const response = await run(async ({ response }) => {
      response.statusCode = 201;
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.setHeader("x-count", 3);
      response.flushHeaders();
      expect(response.headersSent).toBe(true);
      await gate.promise;
      response.end("late");
    });
    expect(response.status).toBe(201);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(response.headers.get("x-count")).toBe("3");
    expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
    gate.resolve();
    expect(await response.text()).toBe("late");
  });

  it("delivers each write as it comes", async () => {
    const read = newGate<void>();
    const response = await run(async ({ response }) => {
      response.write("one");
      await read.promise;
      response.end("two");
    });
    const reader = response.body!.getReader();
    expect(decoder.decode((await reader.read()).value)).toBe("one");
    read.resolve();
    expect(decoder.decode((await reader.read()).value)).toBe("two");
    expect((await reader.read()).done).toBe(true);
  });

  it.each([204, 304])("has no body with status %i", async (status) => {
    const response = await run(async ({ response }) => {
      response.statusCode = status;
      response.end();
    });
    expect([response.status, response.body]).toEqual([status, null]);
  });

  it("has no body for HEAD", async () => {
    const response = await run(async ({ response }) => void response.end("text"), "/", { method: "HEAD" });
    expect(response.body).toBeNull();
  });

  it("refuses a header after the headers were sent", async () => {
    const response = await run(async ({ response }) => {
      response.write("x");
      expect(() => response.setHeader("late", "1")).toThrow(GatewayError);
      response.end();
    });
    expect(response.headers.has("late")).toBe(false);
  });
});

describe("backpressure", () => {
  it("makes write answer false while nobody reads, says drain when somebody does, and loses no byte", async () => {
    const chunk = Buffer.alloc(8 * 1024, "x");
    const total = 64;
    let written = 0;
    let drains = 0;
    const stalled = newGate<void>();
    const response = await run(async ({ response }) => {
      for (; written < total; written += 1) {
        if (!response.write(chunk)) {
          stalled.resolve();
          await drained(response);
          drains += 1;
        }
      }
      response.end();
    });
    await stalled.promise;
    expect(written * chunk.length).toBeLessThanOrEqual(64 * 1024);
    expect(drains).toBe(0);
    expect((await response.arrayBuffer()).byteLength).toBe(total * chunk.length);
    expect(drains).toBeGreaterThan(0);
  });
});

describe("failures", () => {
  it("are OpenAI error objects with their headers before the first byte", async () => {
    const response = await run(async () => {
      throw new GatewayError("rate_limit_exceeded", "Slow down.", { retryAfterMs: 1500 });
    });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await response.json()).toEqual({
      error: { message: "Slow down.", type: "rate_limit_error", param: null, code: "rate_limit_exceeded" },
    });
  });

  it("are an error frame after the first byte", async () => {
    const response = await run(async ({ response }) => {
      response.write("data: 1\n\n");
      throw new GatewayError("agent_lost", "The agent is gone.");
    });
    const text = await response.text();
    expect(text).toContain('data: 1\n\ndata: {"error":{"message":"The agent is gone."');
    expect(text).not.toContain("[DONE]");
  });

  it("never look like a clean end when the handler destroys the response", async () => {
    const response = await run(async ({ response }) => {
      response.write("half");
      response.destroy();
    });
    await expect(response.text()).rejects.toThrow("cut off");
  });

  it("reject when the response is destroyed before its headers", async () => {
    await expect(run(async ({ response }) => void response.destroy())).rejects.toThrow(GatewayError);
  });
});

describe("a client that goes away", () => {
  it("closes the response and aborts the context's signal when the request's signal aborts", async () => {
    const client = new AbortController();
    const closed = newGate<boolean>();
    await run(
      async ({ response, signal }) => {
        response.flushHeaders();
        response.once("close", () => queueMicrotask(() => closed.resolve(signal.aborted)));
      },
      "/",
      { signal: client.signal },
    );
    client.abort();
    expect(await closed.promise).toBe(true);
  });

  it("does the same when the body is cancelled", async () => {
    const aborted = newGate<void>();
    const response = await run(async ({ response, signal }) => {
      signal.addEventListener("abort", () => aborted.resolve());
      response.write("x");
    });
    await response.body!.cancel();
    await expect(aborted.promise).resolves.toBeUndefined();
  });

  it("does not abort the signal after a complete answer", async () => {
    const closed = newGate<boolean>();
    const response = await run(async ({ response, signal }) => {
      response.once("close", () => queueMicrotask(() => closed.resolve(signal.aborted)));
      response.end("all");
    });
    expect(await response.text()).toBe("all");
    expect(await closed.promise).toBe(false);
  });

  it("is not served when it left before the handler began", async () => {
    await expect(run(async () => expect.unreachable(), "/", { signal: AbortSignal.abort() })).rejects.toThrow(
      GatewayError,
    );
  });

  it("may leave in mid-upload: reading fails and nothing crashes", async () => {
    const upload = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new Error("connection reset"));
      },
    });
    const init: RequestInit & { duplex: "half" } = { method: "POST", body: upload, duplex: "half" };
    const response = await run(
      async (context) => {
        const failed = await new Promise<boolean>((resolve) => {
          context.request.on("error", () => resolve(true));
          context.request.on("end", () => resolve(false));
          context.request.resume();
        });
        context.response.end(String(failed));
      },
      "/",
      init,
    );
    expect(await response.text()).toBe("true");
  });
});

describe("a long stream", () => {
  it("arrives byte for byte when it is made of small writes with characters of several bytes", async () => {
    const line = "data: 0123456789 äöü\n\n";
    const count = 20_000;
    const response = await run(async ({ response }) => {
      for (let index = 0; index < count; index += 1) {
        if (!response.write(line)) await drained(response);
      }
      response.end();
    });
    expect(await response.text()).toBe(line.repeat(count));
  });
});
