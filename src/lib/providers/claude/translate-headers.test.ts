import { describe, expect, it } from "vitest";
import { translateClaudeHeaders } from "./translate-headers.ts";

const NOW = Date.parse("2026-11-25T10:00:00Z");
const reset = (instant: string) => translateClaudeHeaders({ "anthropic-ratelimit-tokens-reset": instant }, NOW);

describe("translateClaudeHeaders", () => {
  it("gives Anthropic's limits OpenAI's names, with the resets as durations", () => {
    const received = {
      "anthropic-ratelimit-requests-limit": "1000",
      "anthropic-ratelimit-requests-remaining": "999",
      "anthropic-ratelimit-requests-reset": "2026-11-25T10:00:01Z",
      "anthropic-ratelimit-tokens-limit": "80000",
      "anthropic-ratelimit-tokens-remaining": "79000",
      "anthropic-ratelimit-tokens-reset": "2026-11-25T10:06:00Z",
      "anthropic-ratelimit-input-tokens-limit": "40000",
      "anthropic-organization-id": "acme",
    };
    expect(translateClaudeHeaders(received, NOW)).toEqual({
      "x-ratelimit-limit-requests": "1000",
      "x-ratelimit-remaining-requests": "999",
      "x-ratelimit-reset-requests": "1s",
      "x-ratelimit-limit-tokens": "80000",
      "x-ratelimit-remaining-tokens": "79000",
      "x-ratelimit-reset-tokens": "6m0s",
    });
  });

  it.each([
    ["2026-11-25T10:00:00.020Z", "20ms"],
    ["2026-11-25T10:00:01.500Z", "1.5s"],
    ["2026-11-25T10:00:59.999Z", "59.999s"],
    ["2026-11-25T10:01:00.001Z", "1m1s"],
    ["2026-11-25T11:00:30Z", "1h0m30s"],
    ["2026-11-25T12:00:00+01:00", "1h0m0s"],
    ["2026-11-25T09:00:00Z", "0ms"],
  ])("writes the time until %s as %s", (instant, duration) => {
    expect(reset(instant)).toEqual({ "x-ratelimit-reset-tokens": duration });
  });

  it.each(["soon", "2026-13-45T99:00:00Z", "2027-11-25T10:00:00Z", "1764064800", "2026-11-25"])(
    "leaves out the reset %s",
    (instant) => {
      expect(reset(instant)).toBeUndefined();
    },
  );

  it("leaves out counts that are none, and is nothing where the upstream tells nothing", () => {
    expect(translateClaudeHeaders({ "anthropic-ratelimit-tokens-limit": "lots\r\nx: y" }, NOW)).toBeUndefined();
    expect(translateClaudeHeaders({}, NOW)).toBeUndefined();
  });
});
