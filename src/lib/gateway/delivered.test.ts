import { EventEmitter } from "node:events";
import { expect, it, vi } from "vitest";
import { GatewayError } from "../http/errors.ts";
import { RequestLife } from "../http/request-life.ts";
import { delivered, type EndedAnswer } from "./delivered.ts";

const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

/** An answer that was ended and of which the client's socket has not taken everything. */
function undelivered() {
  const life = new RequestLife();
  const destroy = vi.fn<() => void>();
  const response = Object.assign(new EventEmitter(), { writableFinished: false, destroy });
  const context: EndedAnswer = {
    response,
    get signal() {
      return life.signal;
    },
    get clientGone() {
      return life.clientGone;
    },
  };
  return { life, destroy, response, result: delivered(context, usage) };
}

it("ends with the connection when the time of the request is over before the client has taken all of it", async () => {
  const { life, destroy, result } = undelivered();
  life.abort(new GatewayError("deadline_exceeded", "too late"));
  await expect(result).rejects.toMatchObject({ code: "deadline_exceeded", usage });
  expect(destroy).toHaveBeenCalledOnce();
});

it("says so when the client goes, and what was used", async () => {
  const { life, destroy, response, result } = undelivered();
  life.clientClosed();
  response.emit("close");
  await expect(result).rejects.toMatchObject({ code: "client_closed_request", usage });
  expect(destroy).not.toHaveBeenCalled();
});

it("is done once the socket has taken everything", async () => {
  const { response, result } = undelivered();
  response.writableFinished = true;
  response.emit("finish");
  await expect(result).resolves.toBeUndefined();
});
