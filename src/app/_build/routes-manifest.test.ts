import { describe, expect, it } from "vitest";
import { headersFor } from "./routes-manifest.ts";

const rules = [
  { regex: "^/(?:/)?$", headers: [{ key: "Cache-Control", value: "no-cache" }] },
  { regex: "^(?:/(.*))?$", headers: [{ key: "X-Frame-Options", value: "DENY" }] },
];

describe("headersFor", () => {
  it("gives a path the headers of every rule that matches it, in lower case", () => {
    expect(headersFor({ headers: rules }, "/")).toEqual({ "cache-control": "no-cache", "x-frame-options": "DENY" });
    expect(headersFor({ headers: rules }, "/icon.svg")).toEqual({ "x-frame-options": "DENY" });
  });

  it("refuses rules that depend on the request", () => {
    const conditional = { ...rules[0]!, has: [{ type: "header", key: "x" }] };
    expect(() => headersFor({ headers: [conditional] }, "/")).toThrow(/no rule may have conditions/);
  });
});
