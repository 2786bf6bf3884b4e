/**
 * A value that is there at once where it is known, and later where it must be asked for. Awaiting what is there costs
 * little; the async functions on the way to it, one per layer, cost a request more than the answer.
 */
export type MaybePromise<Value> = Value | Promise<Value>;
