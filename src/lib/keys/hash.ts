import { hash, timingSafeEqual } from "node:crypto";

/** SHA-256 of a key, hex. A plain hash is enough for 256 random bits: there is nothing to guess. */
export function hashKey(key: string): string {
  return hash("sha256", key, "hex");
}

/** Compares two hex hashes of equal length in constant time. */
export function equalHashes(first: string, second: string): boolean {
  const [a, b] = [Buffer.from(first, "hex"), Buffer.from(second, "hex")];
  return a.length === b.length && timingSafeEqual(a, b);
}
