import type { HttpResponse } from "../http/context.ts";
import { encodeEvent, setSseHeaders } from "../http/sse.ts";
import type { ServerEventName } from "./types.ts";

/** The way down to one agent. */
export interface AgentEventStream {
  /** Sends one event; `data` is JSON text, which has no line breaks. */
  send(event: ServerEventName, data: string): void;
  /** Bytes that the socket has not taken yet. */
  readonly bufferedBytes: number;
  /** Ends it after what was sent. */
  close(): void;
  /** Cuts it at once. */
  destroy(): void;
}

/** Begins an SSE answer (WHATWG HTML, section 9.2) with the headers of docs/agent-protocol.md, sent at once. */
export function openEventStream(response: HttpResponse): AgentEventStream {
  let bufferedBytes = 0;
  response.statusCode = 200;
  setSseHeaders(response);
  // A write that meets a closed socket is reported here too; the close itself is what the session acts on.
  response.on("error", () => undefined);
  response.flushHeaders();
  return {
    send(event, data) {
      if (response.writableEnded) return;
      const frame = Buffer.from(encodeEvent(event, data));
      bufferedBytes += frame.byteLength;
      response.write(frame, () => {
        bufferedBytes -= frame.byteLength;
      });
    },
    get bufferedBytes() {
      return bufferedBytes;
    },
    close() {
      if (!response.writableEnded) response.end();
    },
    destroy() {
      response.destroy();
    },
  };
}
