/** A request as far as the fault server looks at it. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** The `model` of a JSON body; empty without one. */
  readonly model: string;
  readonly stream: boolean;
}

const HEAD_END = "\r\n\r\n";

/**
 * Reads HTTP/1.1 requests with a `content-length` off one connection, one after the other: takes the next bytes and gives
 * the request that they complete. A client that pipelines is not understood.
 */
export function createRequestReader(): (bytes: Buffer) => WireRequest | undefined {
  let held: Buffer = Buffer.alloc(0);
  return (bytes) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    const headEnd = held.indexOf(HEAD_END);
    if (headEnd === -1) return undefined;
    const head = held.toString("latin1", 0, headEnd);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const bodyStart = headEnd + HEAD_END.length;
    if (held.length < bodyStart + length) return undefined;
    const body = held.toString("utf8", bodyStart, bodyStart + length);
    held = Buffer.alloc(0);
    const [method = "", path = ""] = head.split(" ", 2);
    return { method, path, ...readBody(body) };
  };
}

function readBody(body: string): Pick<WireRequest, "model" | "stream"> {
  if (body === "") return { model: "", stream: false };
  const { model, stream } = JSON.parse(body) as { model?: string; stream?: boolean };
  return { model: model ?? "", stream: stream === true };
}
