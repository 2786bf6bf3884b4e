const MAX_LENGTH = 200;

/**
 * The `Idempotency-Key` for the upstream, made from the client's: the same in every attempt and every repetition by
 * that client. The proxy's clients share one account at the upstream, so the id of the client's key goes before it, or a
 * key that two clients happen to choose would give one the other's answer. `undefined` for a key that is no fit header
 * value (printable ASCII, at most 200 characters): it is left out, never refused.
 */
export function scopeIdempotencyKey(keyId: string, value: string | string[] | undefined): string | undefined {
  if (typeof value !== "string" || value.length > MAX_LENGTH || !/^[\x21-\x7e]+$/.test(value)) return undefined;
  return `${keyId}:${value}`;
}
