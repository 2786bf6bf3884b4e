import { describe, expect, it } from "vitest";
import { generateAdminKey, generateClientKey, generateKeyId, keyStart, randomText } from "./generate.ts";
import { equalHashes, hashKey } from "./hash.ts";

describe("generated keys", () => {
  it("have their prefix and 43 characters of base 62", () => {
    expect(generateClientKey()).toMatch(/^cw_[0-9A-Za-z]{43}$/);
    expect(generateAdminKey()).toMatch(/^cwadmin_[0-9A-Za-z]{43}$/);
    expect(generateKeyId()).toMatch(/^key_[0-9A-Za-z]{16}$/);
  });

  it("do not repeat", () => {
    expect(new Set(Array.from({ length: 1000 }, generateClientKey)).size).toBe(1000);
  });

  it("use every character equally often", () => {
    const counts = new Map<string, number>();
    for (const character of randomText(620_000)) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 10,000 expected each, with a standard deviation of 99; a plain modulo would give 9,690 and 12,110.
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(800);
  });

  it("show no more than eight characters of the secret", () => {
    expect(keyStart("cw_0123456789")).toBe("cw_01234567");
  });
});

describe("hashes", () => {
  it("are SHA-256, and equal only for the same key", () => {
    expect(hashKey("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(equalHashes(hashKey("a"), hashKey("a"))).toBe(true);
    expect(equalHashes(hashKey("a"), hashKey("b"))).toBe(false);
    expect(equalHashes(hashKey("a"), "")).toBe(false);
  });
});
