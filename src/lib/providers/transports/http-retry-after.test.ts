import { describe, expect, it } from "vitest";
import { readRetryAfterMs } from "./http-retry-after.ts";

const now = Date.parse("2026-11-21T10:00:00Z");

describe("readRetryAfterMs", () => {
  it.each([
    [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
    [{ "retry-after": "2" }, 2000],
    [{ "retry-after": "1.5" }, 1500],
    [{ "retry-after": "Sat, 21 Nov 2026 10:00:30 GMT" }, 30_000],
    [{ "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-1" }, undefined],
    [{ "retry-after": "99999999999" }, undefined],
    [{}, undefined],
  ])("%j is %s ms", (headers, expected) => expect(readRetryAfterMs(headers, now)).toBe(expected));
});
