import { randomInt } from "node:crypto";

/** Consonants only, as RFC 8628 (6.1) suggests: no words come about, and none looks like a digit. */
const ALPHABET = "BCDFGHJKLMNPQRSTVWXZ";
const HALF = 4;

/** A new code for a human to type, such as `BCDF-GHJK`: 34 bits from the system's cryptographic source. */
export function generateUserCode(): string {
  const half = (): string => Array.from({ length: HALF }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join("");
  return `${half()}-${half()}`;
}

/** A code as it was typed, in any case and with any spaces or dashes, in the form in which it is kept. */
export function normalizeUserCode(typed: string): string {
  const letters = typed.toUpperCase().replaceAll(/[\s-]/g, "");
  return `${letters.slice(0, HALF)}-${letters.slice(HALF)}`;
}
