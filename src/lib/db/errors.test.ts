import { DatabaseError } from "pg";
import { describe, expect, it } from "vitest";
import { toDatabaseError } from "./errors.ts";

function refusal(code: string): Error {
  const error = new DatabaseError("invalid byte sequence in 'a secret'", 1, "error");
  error.code = code;
  return new Error("Failed query: insert … params: a secret", { cause: error });
}

describe("toDatabaseError", () => {
  it.each(["22021", "22003", "23505", "54000"])("blames the request for a refused value (SQLSTATE %s)", (code) => {
    const error = toDatabaseError(refusal(code));
    expect(error).toMatchObject({ code: "invalid_value", status: 400, retryAfterMs: undefined });
    expect(error.message).not.toContain("secret");
  });

  it.each(["57P01", "53100", "42P01"])("says that the database is unavailable otherwise (SQLSTATE %s)", (code) => {
    const error = toDatabaseError(refusal(code));
    expect(error).toMatchObject({ code: "database_unavailable", status: 503, retryAfterMs: 1000 });
    expect(error.message).not.toContain("secret");
  });

  it("says so too where no database answered", () => {
    expect(toDatabaseError(new Error("connect ECONNREFUSED"))).toMatchObject({ code: "database_unavailable" });
  });
});
