import { expect, test } from "vitest";
import { fromErrorFields, toErrorFields } from "./error-fields.ts";
import { ERROR_CODES, GatewayError, type ErrorCode } from "./errors.ts";

const facts = (error: GatewayError) => Object.assign({}, error, { message: error.message });

test.each(Object.keys(ERROR_CODES) as ErrorCode[])("an error of code %s is the same after it was cloned", (code) => {
  const error = new GatewayError(code, "What happened.");
  const copy = fromErrorFields(structuredClone(toErrorFields(error)));
  expect(copy).toBeInstanceOf(GatewayError);
  expect(facts(copy)).toEqual(facts(error));
});

test("what an error has of its own stays, its cause by message and stack", () => {
  const cause = Object.assign(new TypeError("inner"), { notCloneable: () => undefined });
  const error = new GatewayError("upstream_error", "What happened.", {
    status: 418,
    param: "messages[0].content",
    retryAfterMs: 1500,
    shouldRetry: true,
    failover: false,
    upstreamHeaders: { "x-ratelimit-limit": "1" },
    allow: ["GET"],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    cause,
  });
  const copy = fromErrorFields(structuredClone(toErrorFields(error)));
  expect(facts(copy)).toEqual(facts(error));
  expect(copy.cause).toMatchObject({ message: "inner", stack: cause.stack });
});
