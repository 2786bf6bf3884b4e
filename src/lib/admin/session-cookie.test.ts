import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isValidSession, issueSession, readSessionCookie, renderSessionCookie } from "./session-cookie.ts";

const signingKey = Buffer.alloc(32, 1);
const nowMs = 1_800_000_000_000;
const HOUR = 60 * 60_000;

describe("a session", () => {
  const value = issueSession(signingKey, nowMs);
  const [expiry = "", signature = ""] = value.split(".");

  it("lasts twelve hours and not a moment longer", () => {
    expect(isValidSession(value, signingKey, nowMs)).toBe(true);
    expect(isValidSession(value, signingKey, nowMs + 12 * HOUR - 1)).toBe(true);
    expect(isValidSession(value, signingKey, nowMs + 12 * HOUR)).toBe(false);
  });

  it("ends with the admin key", () => {
    expect(isValidSession(value, Buffer.alloc(32, 2), nowMs)).toBe(false);
  });

  it.each([
    ["a later end with the old signature", `${Number(expiry) + HOUR}.${signature}`],
    ["a signature of another key", `${expiry}.${createHmac("sha256", "x").update(expiry).digest("base64url")}`],
    ["a cut signature", value.slice(0, -1)],
    ["a longer signature", `${value}A`],
    ["no signature", expiry],
    ["an empty signature", `${expiry}.`],
    ["nothing", ""],
    ["another number format of the same end", `0${expiry}.${signature}`],
    ["an end that is no number", `NaN.${signature}`],
    ["a very long value", "9".repeat(100_000)],
  ])("cannot be forged with %s", (_, forged) => {
    expect(isValidSession(forged, signingKey, nowMs)).toBe(false);
  });

  it("cannot be forged by changing any one character of the signature", () => {
    for (let index = 0; index < signature.length - 1; index += 1) {
      const other = signature[index] === "A" ? "B" : "A";
      const forged = `${expiry}.${signature.slice(0, index)}${other}${signature.slice(index + 1)}`;
      expect(isValidSession(forged, signingKey, nowMs)).toBe(false);
    }
  });
});

describe("the cookie", () => {
  it("is out of reach of scripts and other sites, and Secure over https", () => {
    expect(renderSessionCookie("v", false)).toBe(
      "codewise_session=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict",
    );
    expect(renderSessionCookie("v", true)).toMatch(/; Secure$/);
    expect(renderSessionCookie("", false)).toContain("Max-Age=0");
  });

  it("is found among others", () => {
    expect(readSessionCookie("a=1; codewise_session=x.y; b=2")).toBe("x.y");
    expect(readSessionCookie("xcodewise_session=1")).toBeUndefined();
    expect(readSessionCookie(undefined)).toBeUndefined();
  });
});
