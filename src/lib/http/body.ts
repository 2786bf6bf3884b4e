import type { BodyShare } from "./body-budget.ts";
import { GatewayError, toGatewayError } from "./errors.ts";
import type { HttpRequest } from "./context.ts";

export interface ReadBodyOptions {
  /** Largest body that is read, in bytes. */
  readonly limitBytes: number;
  /** Stops the reading, for example when the client is gone. */
  readonly signal: AbortSignal;
  /** Sees the bytes as they come in; what it throws, a GatewayError, ends the reading. */
  readonly onChunk?: (chunk: Buffer) => void;
  /** Where the bytes are counted as they come in; whoever opened it releases it. */
  readonly share?: Pick<BodyShare, "take">;
}

/**
 * Reads the whole body of a request into memory, never more than `limitBytes` of it.
 *
 * Throws GatewayError: `request_too_large` (by the declared length before a byte is read, else at the first byte over
 * the limit), `unsupported_media_type` for a compressed body, `client_closed_request` when the client goes away in
 * mid-body or `signal` aborts (a GatewayError given as the signal's reason is thrown instead), and what `share` throws. After an error the
 * request is paused and nothing listens to it any more; node:http discards the rest once the answer has ended.
 */
export async function readBody(request: HttpRequest, options: ReadBodyOptions): Promise<Buffer> {
  const { limitBytes, signal, share, onChunk } = options;
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new GatewayError("unsupported_media_type", "Compressed request bodies are not supported; send it plain.");
  }
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  if (signal.aborted) throw aborted(signal);

  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let receivedBytes = 0;

    const stopListening = (): void => {
      request.off("data", onData);
      request.off("end", onEnd);
      request.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (error: GatewayError): void => {
      stopListening();
      request.pause();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      receivedBytes += chunk.byteLength;
      if (receivedBytes > limitBytes) return fail(tooLarge(limitBytes));
      try {
        share?.take(chunk.byteLength);
        onChunk?.(chunk);
      } catch (thrown) {
        return fail(toGatewayError(thrown));
      }
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      stopListening();
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, receivedBytes));
    };
    const onClose = (): void => fail(clientClosed());
    const onAbort = (): void => fail(aborted(signal));

    request.on("data", onData);
    request.once("end", onEnd);
    request.once("close", onClose);
    // Stays attached: a socket error may follow the close, and without a listener it would end the process.
    request.on("error", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    request.resume();
  });
}

function tooLarge(limitBytes: number): GatewayError {
  return new GatewayError("request_too_large", `The request body is larger than the limit of ${limitBytes} bytes.`);
}

function clientClosed(): GatewayError {
  return new GatewayError("client_closed_request", "The client closed the connection before its request was complete.");
}

function aborted(signal: AbortSignal): GatewayError {
  return signal.reason instanceof GatewayError ? signal.reason : clientClosed();
}
