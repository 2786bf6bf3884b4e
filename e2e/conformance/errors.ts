import { describe, expect, it } from "vitest";
import type { ScriptedReply, ScriptedServer } from "../../src/test/fake-scripted-server.ts";
import type { Mount } from "./mount.ts";
import { ask, askRaw } from "./requests.ts";

interface RequestFault {
  readonly title: string;
  readonly send: (mount: Mount) => Promise<Response>;
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
}

const REQUEST_FAULTS: readonly RequestFault[] = [
  {
    title: "no key",
    send: (mount) => fetch(`${mount.url}/v1/models`),
    status: 401,
    code: "invalid_api_key",
    param: null,
  },
  {
    title: "a wrong key",
    send: (mount) => askRaw(mount, "{}", { authorization: "Bearer cw_wrong" }),
    status: 401,
    code: "invalid_api_key",
    param: null,
  },
  {
    title: "a body that is no JSON",
    send: (mount) => askRaw(mount, "{"),
    status: 400,
    code: "invalid_json",
    param: null,
  },
  {
    title: "a missing field",
    send: (mount) => ask(mount, { model: undefined }),
    status: 400,
    code: "missing_required_parameter",
    param: "model",
  },
  {
    title: "a field of the wrong type",
    send: (mount) => ask(mount, { model: "gpt-test", messages: "hello" }),
    status: 400,
    code: "invalid_type",
    param: "messages",
  },
  {
    title: "a model that nobody has",
    send: (mount) => ask(mount, { model: "no-such-model" }),
    status: 404,
    code: "model_not_found",
    param: "model",
  },
  {
    title: "a method that the path has not",
    send: (mount) => fetch(`${mount.url}/v1/models`, { method: "DELETE" }),
    status: 405,
    code: "method_not_allowed",
    param: null,
  },
];

const UPSTREAM_FAULTS: readonly (readonly [string, ScriptedReply, number, string])[] = [
  ["401", { json: { error: { message: "bad key" } }, status: 401 }, 502, "upstream_unauthorized"],
  ["500", { json: { error: { message: "oops" } }, status: 500 }, 502, "upstream_error"],
  ["503", { json: { error: { message: "busy" } }, status: 503 }, 503, "upstream_overloaded"],
  ["no answer at all", { fail: "drop" }, 502, "upstream_connection_failed"],
];

/** One case of every class of errors: status, body and headers before the first byte. */
export function testErrors(mount: () => Mount): void {
  describe("an error is an OpenAI error object with a request id, for", () => {
    it.each(REQUEST_FAULTS)("$title: $status $code", async ({ send, status, code, param }) => {
      const response = await send(mount());
      const { error } = (await response.json()) as { error: Record<string, unknown> };
      expect([response.status, error["code"], error["param"]]).toEqual([status, code, param]);
      expect(Object.keys(error).toSorted()).toEqual(["code", "message", "param", "type"]);
      expect(response.headers.get("x-request-id")).toMatch(/^req_/);
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    });

    it("names the methods that a path has", async () => {
      expect((await fetch(`${mount().url}/v1/models`, { method: "DELETE" })).headers.get("allow")).toBe("GET");
    });

    it.each([true, false])("an upstream's 429, with its time to wait (stream: %s)", async (stream) => {
      const reply = { json: { error: { message: "slow down" } }, status: 429, headers: { "retry-after": "7" } };
      const response = await meet(mount(), "gpt-test", mount().upstreams.openai, reply, stream);
      expect([response.status, response.headers.get("retry-after")]).toEqual([429, "7"]);
      expect(await response.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } });
    });

    it.each(UPSTREAM_FAULTS)("an upstream's %s", async (_, reply, status, code) => {
      const response = await meet(mount(), "claude-api/sonnet", mount().upstreams.anthropic, reply, true);
      expect([response.status, await response.json()]).toMatchObject([status, { error: { code } }]);
    });
  });
}

/** Asks while the upstream has a fault, for one try and for one more; then once more when it is well. */
async function meet(
  mount: Mount,
  model: string,
  upstream: ScriptedServer,
  fault: ScriptedReply,
  stream: boolean,
): Promise<Response> {
  const before = upstream.requests.length;
  upstream.enqueue(fault, fault);
  const response = await ask(mount, { model, stream });
  while (upstream.requests.length < before + 3) await (await ask(mount, { model })).arrayBuffer();
  return response;
}
