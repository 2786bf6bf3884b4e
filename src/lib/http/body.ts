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
export function readBody(request: HttpRequest, options: ReadBodyOptions): Promise<Buffer> {
  const refusal = refusalOf(request, options);
  if (refusal !== undefined) return Promise.reject(refusal);
  return new Promise((resolve, reject) => new BodyReading(request, options, resolve, reject).start());
}

function refusalOf({ headers }: HttpRequest, { limitBytes, signal }: ReadBodyOptions): GatewayError | undefined {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return new GatewayError("unsupported_media_type", "Compressed request bodies are not supported; send it plain.");
  }
  if (Number(headers["content-length"] ?? 0) > limitBytes) return tooLarge(limitBytes);
  return signal.aborted ? aborted(signal) : undefined;
}

/** One body on its way in. */
class BodyReading {
  readonly #request: HttpRequest;
  readonly #options: ReadBodyOptions;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: GatewayError) => void;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onEnd = (): void => this.#finish();
  readonly #onClose = (): void => this.#fail(clientClosed());
  readonly #onAbort = (): void => this.#fail(aborted(this.#options.signal));
  #first: Buffer | undefined;
  /** All chunks, once there are several. */
  #chunks: Buffer[] | undefined;
  #receivedBytes = 0;

  constructor(
    request: HttpRequest,
    options: ReadBodyOptions,
    resolve: (body: Buffer) => void,
    reject: (error: GatewayError) => void,
  ) {
    this.#request = request;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const request = this.#request;
    request.on("data", this.#onData);
    request.on("end", this.#onEnd);
    request.on("close", this.#onClose);
    // Stays attached: a socket error may follow the close, and without a listener it would end the process. A close always
    // follows an error; a listener of this reading would keep the body for as long as the answer takes.
    request.on("error", ignore);
    this.#options.signal.addEventListener("abort", this.#onAbort);
    request.resume();
  }

  #take(chunk: Buffer): void {
    const { limitBytes, share, onChunk } = this.#options;
    this.#receivedBytes += chunk.byteLength;
    if (this.#receivedBytes > limitBytes) return this.#fail(tooLarge(limitBytes));
    try {
      share?.take(chunk.byteLength);
      onChunk?.(chunk);
    } catch (thrown) {
      return this.#fail(toGatewayError(thrown));
    }
    if (this.#first === undefined) this.#first = chunk;
    else (this.#chunks ??= [this.#first]).push(chunk);
  }

  #finish(): void {
    this.#stopListening();
    const first = this.#first ?? Buffer.alloc(0);
    this.#resolve(this.#chunks === undefined ? first : Buffer.concat(this.#chunks, this.#receivedBytes));
  }

  #fail(error: GatewayError): void {
    this.#stopListening();
    this.#request.pause();
    this.#reject(error);
  }

  #stopListening(): void {
    this.#request.off("data", this.#onData);
    this.#request.off("end", this.#onEnd);
    this.#request.off("close", this.#onClose);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
  }
}

function ignore(): void {}

function tooLarge(limitBytes: number): GatewayError {
  return new GatewayError("request_too_large", `The request body is larger than the limit of ${limitBytes} bytes.`);
}

function clientClosed(): GatewayError {
  return new GatewayError("client_closed_request", "The client closed the connection before its request was complete.");
}

function aborted(signal: AbortSignal): GatewayError {
  return signal.reason instanceof GatewayError ? signal.reason : clientClosed();
}
