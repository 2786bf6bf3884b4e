import { describe, expect, it } from "vitest";
import { CollectingSink, createCall } from "../../../test/provider-call.ts";
import { GatewayError } from "../../http/errors.ts";
import type { LLMProvider } from "../types.ts";
import { createSecretRemover, hideSecret } from "./hide-secret.ts";

const SECRET = "live:k3y+with/odd.signs==";

describe("createSecretRemover", () => {
  const remove = createSecretRemover(SECRET);

  it("removes every occurrence, and the secret's beginning where a text was cut", () => {
    expect(remove(`Bearer ${SECRET}, x${SECRET}y`)).toBe("Bearer [removed], x[removed]y");
    expect(remove(`cut ${SECRET.slice(0, -1)}`)).toBe("cut [removed]");
    expect(remove(`cut ${SECRET.slice(0, 8)}`)).toBe("cut [removed]");
    expect(remove("deliver live: all of it")).toBe("deliver live: all of it");
  });

  it("leaves plain words alone that a placeholder for a key is a part of", () => {
    expect(createSecretRemover("x")("next x-ray of x.")).toBe("next x-ray of [removed].");
    expect(createSecretRemover("a.b$")("a.b$ axb$")).toBe("[removed] axb$");
    expect(createSecretRemover("")("as it was")).toBe("as it was");
  });
});

describe("hideSecret", () => {
  const servedBy = { model: `m-${SECRET}`, droppedParams: ["seed"], upstreamRequestId: `Bearer ${SECRET}` };
  const cleanServedBy = { model: "m-[removed]", droppedParams: ["seed"], upstreamRequestId: "Bearer [removed]" };
  const outcome = { servedBy, finishReason: "stop" } as const;
  const create = (methods: Partial<LLMProvider>): LLMProvider =>
    hideSecret(
      {
        id: "x",
        type: "openai",
        isAvailable: () => true,
        getModels: async () => [],
        complete: async () => ({ body: Buffer.from(SECRET), outcome }),
        stream: async (_call, sink) => {
          sink.open(servedBy);
          sink.raw(SECRET);
          return outcome;
        },
        close: async () => {},
        ...methods,
      },
      SECRET,
    );

  it("cleans what becomes headers and rows, and leaves the answer's bytes alone", async () => {
    const sink = new CollectingSink();
    expect(await create({}).stream(createCall(), sink)).toEqual({ ...outcome, servedBy: cleanServedBy });
    expect([sink.opened, sink.payloads]).toEqual([[cleanServedBy], [SECRET]]);
    const result = await create({}).complete(createCall());
    expect(result).toEqual({ body: Buffer.from(SECRET), outcome: { ...outcome, servedBy: cleanServedBy } });
  });

  it("cleans every error's message and param, and keeps the rest of it", async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const rest = {
      status: 418,
      retryAfterMs: 5,
      shouldRetry: false,
      upstreamHeaders: { a: "b" },
      failover: true,
      allow: ["GET"],
      usage,
    };
    const failing = async (): Promise<never> => {
      throw new GatewayError("invalid_request", `key ${SECRET}`, { ...rest, param: SECRET });
    };
    const provider = create({ stream: failing, complete: failing });
    const clean = { ...rest, code: "invalid_request", message: "key [removed]", param: "[removed]" };
    await expect(provider.stream(createCall(), new CollectingSink())).rejects.toMatchObject(clean);
    const error: unknown = await provider.complete(createCall()).catch((caught: unknown) => caught);
    expect(error).toMatchObject(clean);
    expect((error as Error).stack).not.toContain(SECRET);
  });

  it("gives an error without the secret as it is, and one that is no GatewayError without its words", async () => {
    const thrown = new GatewayError("upstream_error", "busy");
    const provider = create({
      stream: () => Promise.reject(thrown),
      complete: () => Promise.reject(new Error(SECRET)),
    });
    await expect(provider.stream(createCall(), new CollectingSink())).rejects.toBe(thrown);
    const error = await provider.complete(createCall()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "server_error", message: "The proxy failed to handle this request." });
  });
});
