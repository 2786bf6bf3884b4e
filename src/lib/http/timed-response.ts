import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from "node:http";
import { formatOverhead, OVERHEAD_HEADER, type RequestTiming } from "../telemetry/request-timing.ts";

/**
 * A response that says `x-codewise-overhead-ms` whenever its headers go out, whoever writes them: node:http comes to
 * `writeHead` for headers that are sent by a first `write` or `end` too.
 */
export class TimedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Unset where nothing is measured: the header is left out then. */
  timing: RequestTiming | undefined;

  override writeHead(
    statusCode: number,
    reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    if (this.timing === undefined) return this.#write(statusCode, reason, headers);
    const overhead = formatOverhead(this.timing.overheadMs);
    const given = typeof reason === "string" ? headers : reason;
    if (given === undefined) {
      this.setHeader(OVERHEAD_HEADER, overhead);
      return this.#write(statusCode, reason, headers);
    }
    // Headers that are given in one piece stay in one piece, which node:http writes without a look at each.
    const all = Array.isArray(given)
      ? [...given, OVERHEAD_HEADER, overhead]
      : { ...given, [OVERHEAD_HEADER]: overhead };
    return typeof reason === "string" ? super.writeHead(statusCode, reason, all) : super.writeHead(statusCode, all);
  }

  #write(
    statusCode: number,
    reason: string | OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined,
    headers: OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined,
  ): this {
    return typeof reason === "string"
      ? super.writeHead(statusCode, reason, headers)
      : super.writeHead(statusCode, reason);
  }
}
