import { describe, expect, it } from "vitest";
import { hiddenSides } from "./use-hidden-sides.ts";

describe("hiddenSides", () => {
  it.each([
    ["none", 0, 500],
    ["end", 0, 800],
    ["both", 100, 800],
    ["start", 300, 800],
  ])("is %s when 500 px show from %d px on of %d px", (sides, scrollLeft, scrollWidth) => {
    expect(hiddenSides({ scrollLeft, scrollWidth, clientWidth: 500 })).toBe(sides);
  });

  it("takes a fraction of a pixel for nothing", () => {
    expect(hiddenSides({ scrollLeft: 0.6, scrollWidth: 501, clientWidth: 500 })).toBe("none");
    expect(hiddenSides({ scrollLeft: 299.4, scrollWidth: 800, clientWidth: 500 })).toBe("start");
  });
});
