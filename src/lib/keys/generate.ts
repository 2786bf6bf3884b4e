import { randomBytes } from "node:crypto";
import { AGENT_TOKEN_PREFIX } from "../agent/types-login.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 43 characters of base 62 carry 256 bits, as 32 random bytes do. */
const SECRET_LENGTH = 43;
const ID_LENGTH = 16;
/** The largest multiple of 62 in a byte: bytes from here on are thrown away, so that no character is likelier. */
const REJECT_FROM = 248;

export const CLIENT_KEY_PREFIX = "cw_";
export const ADMIN_KEY_PREFIX = "cwadmin_";

/** Random text of base 62, from the system's cryptographic source. */
export function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) {
      if (byte < REJECT_FROM) text += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return text;
}

/** A new client key: `cw_` + 256 bits. No character in it needs quoting, and a double click selects all of it. */
export function generateClientKey(): string {
  return CLIENT_KEY_PREFIX + randomText(SECRET_LENGTH);
}

/** A new admin key: `cwadmin_` + 256 bits. */
export function generateAdminKey(): string {
  return ADMIN_KEY_PREFIX + randomText(SECRET_LENGTH);
}

/** A new token of an agent: `cwa_` + 256 bits. */
export function generateAgentToken(): string {
  return AGENT_TOKEN_PREFIX + randomText(SECRET_LENGTH);
}

/** A new device code, which an agent asks with whether its login was approved: 256 bits. */
export function generateDeviceCode(): string {
  return randomText(SECRET_LENGTH);
}

/** A new id of an agent's enrolment: `agt_` + 95 bits. */
export function generateEnrolmentId(): string {
  return `agt_${randomText(ID_LENGTH)}`;
}

/** A new id of a key: `key_` + 95 bits. */
export function generateKeyId(): string {
  return `key_${randomText(ID_LENGTH)}`;
}

/** The part of a key that is kept readable: its first 11 characters. */
export function keyStart(key: string): string {
  return key.slice(0, 11);
}
