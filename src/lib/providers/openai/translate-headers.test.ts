import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { translateOpenAIHeaders } from "./translate-headers.ts";

const limits = {
  "x-ratelimit-limit-requests": "5000",
  "x-ratelimit-limit-tokens": "160000",
  "x-ratelimit-remaining-requests": "4999",
  "x-ratelimit-remaining-tokens": "159976",
  "x-ratelimit-reset-requests": "12ms",
  "x-ratelimit-reset-tokens": "6m0.5s",
};

describe("translateOpenAIHeaders", () => {
  it("passes on the rate limits and the version, and nothing of the account", () => {
    const received = { ...limits, "openai-version": "2020-10-01", "openai-organization": "acme", "x-request-id": "r" };
    expect(translateOpenAIHeaders(received)).toEqual({ ...limits, "openai-version": "2020-10-01" });
  });

  it("is nothing where the upstream tells nothing", () => {
    expect(translateOpenAIHeaders({ "content-type": "application/json" })).toBeUndefined();
  });

  it.each([
    ["x-ratelimit-limit-requests", "many"],
    ["x-ratelimit-limit-requests", "1e9"],
    ["x-ratelimit-remaining-tokens", "-1"],
    ["x-ratelimit-remaining-tokens", "9".repeat(16)],
    ["x-ratelimit-reset-tokens", "soon"],
    ["x-ratelimit-reset-tokens", "5"],
    ["x-ratelimit-reset-tokens", "1s".repeat(6)],
    ["openai-version", "2020-10-01; secret"],
  ])("leaves out %s: %s", (name, value) => {
    expect(translateOpenAIHeaders({ [name]: value })).toBeUndefined();
  });

  it("never passes on what a header may not hold, or what is long", () => {
    const name = fc.constantFrom(...Object.keys(limits), "openai-version");
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[0-9.msh]{0,80}$/));
    fc.assert(
      fc.property(fc.dictionary(name, value), (received) => {
        for (const passed of Object.values(translateOpenAIHeaders(received) ?? {})) {
          expect(passed).toMatch(/^[0-9a-z.-]{1,110}$/);
        }
      }),
    );
  });
});
