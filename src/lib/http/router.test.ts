import { describe, expect, it } from "vitest";
import type { HttpHandler } from "./context.ts";
import type { GatewayError } from "./errors.ts";
import { createRouter } from "./router.ts";

const handler = (): HttpHandler => async () => undefined;
const list = handler();
const get = handler();
const input = handler();
const remove = handler();
const router = createRouter([
  { method: "GET", path: "/v1/models", handler: list, head: true },
  { method: "GET", path: "/v1/models/{id...}", handler: get },
  { method: "GET", path: "/api/agent/requests/{id}/input", handler: input },
  { method: "DELETE", path: "/api/admin/keys/{id}", handler: remove },
]);

function errorOf(method: string, path: string): GatewayError | undefined {
  try {
    router(method, path);
    return undefined;
  } catch (error) {
    return error as GatewayError;
  }
}

describe("createRouter", () => {
  it("finds exact paths before patterns", () => {
    expect(router("GET", "/v1/models").handler).toBe(list);
  });

  it("takes a parameter of one segment and one of all that follows", () => {
    expect(router("GET", "/api/agent/requests/req_1/input")).toEqual({ handler: input, params: { id: "req_1" } });
    expect(router("GET", "/v1/models/org/model/x")).toEqual({ handler: get, params: { id: "org/model/x" } });
  });

  it("serves HEAD by the handler of GET only where the route says so", () => {
    expect(router("HEAD", "/v1/models").handler).toBe(list);
    expect(errorOf("HEAD", "/v1/models/x")?.code).toBe("method_not_allowed");
  });

  it.each(["/v1/model", "/v1/models/", "/api/admin/keys/", "/api/admin/keys/a/b", "/", ""])(
    "answers 404 for %j",
    (path) => {
      expect(errorOf("GET", path)?.code).toBe("not_found");
    },
  );

  it("answers 405 with the allowed methods for a known path", () => {
    expect(errorOf("POST", "/v1/models")).toMatchObject({
      code: "method_not_allowed",
      status: 405,
      allow: ["GET", "HEAD"],
    });
    expect(errorOf("GET", "/api/admin/keys/k")).toMatchObject({ code: "method_not_allowed", allow: ["DELETE"] });
  });
});
