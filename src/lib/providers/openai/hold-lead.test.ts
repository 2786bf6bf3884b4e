import { describe, expect, it } from "vitest";
import { createLeadHolder } from "./hold-lead.ts";

describe("createLeadHolder", () => {
  it("keeps the lead until the first output, then gives all in order and holds nothing more", () => {
    const lead = createLeadHolder();
    expect(lead.push("a", false)).toEqual([]);
    expect(lead.push("b", false)).toEqual([]);
    expect(lead.push("c", true)).toEqual(["a", "b", "c"]);
    expect(lead.push("d", false)).toEqual(["d"]);
  });

  it("lets a lead go that grows too long, and loses none of it", () => {
    const lead = createLeadHolder();
    const piece = "x".repeat(1024);
    const pieces = Array.from({ length: 100 }, () => piece);
    const releases = pieces.map((one) => lead.push(one, false));
    expect(releases.findIndex((release) => release.length > 0)).toBe(64);
    expect(releases.flat()).toEqual(pieces);
  });
});
