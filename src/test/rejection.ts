/** What a promise rejects with; rejects itself when there is no rejection. Attach it before the rejection can happen. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("it resolved where a rejection was expected");
    },
    (error: unknown) => error,
  );
}
