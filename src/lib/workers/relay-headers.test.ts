import { describe, expect, it } from "vitest";
import { headersToHome, isForClient, readOrigin } from "./relay-headers.ts";

const origin = { requestId: "req_1", remoteAddress: "10.0.0.7", isAdmitted: true };

describe("the headers between a worker and the home", () => {
  it("carry where a request came from", () => {
    expect(readOrigin(headersToHome({ host: "proxy" }, origin))).toEqual(origin);
    expect(readOrigin(headersToHome({}, { ...origin, isAdmitted: false }))).toEqual({ ...origin, isAdmitted: false });
    expect(readOrigin({ host: "proxy" })).toBeUndefined();
  });

  it("never take a client's word for it", () => {
    const forged = {
      "x-codewise-relay-request-id": "req_forged",
      "x-codewise-relay-address": "127.0.0.1",
      "x-codewise-relay-admitted": "1",
    };
    const honest = { requestId: "req_2", remoteAddress: "10.0.0.9", isAdmitted: false };
    expect(readOrigin(headersToHome(forged, honest))).toEqual(honest);
  });

  it("leave out what belongs to one connection, named ones included, and keep the rest", () => {
    const passed = headersToHome(
      {
        connection: "close, X-Hop",
        "x-hop": "1",
        "keep-alive": "timeout=5",
        "transfer-encoding": "chunked",
        upgrade: "websocket",
        expect: "100-continue",
        host: "proxy:3000",
        origin: "http://proxy:3000",
        "content-length": "3",
        cookie: "a=1",
      },
      origin,
    );
    expect(Object.keys(passed).filter((name) => !name.startsWith("x-codewise"))).toEqual([
      "host",
      "origin",
      "content-length",
      "cookie",
    ]);
    expect(["transfer-encoding", "connection", "keep-alive", "date", "set-cookie"].filter(isForClient)).toEqual([
      "date",
      "set-cookie",
    ]);
  });
});
