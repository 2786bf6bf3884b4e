import { describe, expect, it } from "vitest";
import { scopeIdempotencyKey } from "./idempotency-key.ts";

describe("scopeIdempotencyKey", () => {
  it("is the same for a client's same key, and another for another client's", () => {
    expect(scopeIdempotencyKey("key_1", "order-7")).toBe("key_1:order-7");
    expect(scopeIdempotencyKey("key_2", "order-7")).not.toBe(scopeIdempotencyKey("key_1", "order-7"));
  });

  it.each([undefined, "", "two words", "line\r\nbreak", "é", "x".repeat(201), ["a", "b"]])(
    "leaves out what is no fit header value: %j",
    (value) => {
      expect(scopeIdempotencyKey("key_1", value)).toBeUndefined();
    },
  );
});
