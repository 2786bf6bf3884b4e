import type { HttpResponse } from "./context.ts";

/** What a socket buffers by default before `write` answers false. */
const SLICE_BYTES = 64 * 1024;

/**
 * Ends an answer with a body, which is given to the socket in slices of 64 KiB, each after the one before was taken: so
 * a large answer does not count as untaken while its reader takes it bit by bit, and other clients get their turn in between.
 */
export function pacedEnd(response: HttpResponse, body: Buffer): void {
  let sent = 0;
  let isEnded = false;
  const next = (): void => {
    // One emptying of the buffers may be told twice, by the response and by its socket.
    if (isEnded) return;
    while (body.length - sent > SLICE_BYTES) {
      const slice = body.subarray(sent, sent + SLICE_BYTES);
      sent += SLICE_BYTES;
      if (!response.write(slice)) return;
    }
    isEnded = true;
    response.off("drain", next);
    response.end(body.subarray(sent));
  };
  if (body.length > SLICE_BYTES) response.on("drain", next);
  next();
}
