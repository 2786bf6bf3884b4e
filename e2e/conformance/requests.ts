import type { Mount } from "./mount.ts";

/** Asks for a completion with the mount's key; `fields` go over a plain request. */
export function ask(mount: Mount, fields: Record<string, unknown>): Promise<Response> {
  return askRaw(mount, JSON.stringify({ messages: [{ role: "user", content: "Say hello" }], ...fields }));
}

/** Posts a body to the completions. */
export function askRaw(
  { url, apiKey }: Mount,
  body: string | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json", ...headers },
    body,
    ...(typeof body === "string" ? {} : { duplex: "half" }),
  });
}

/** A stream of the text's bytes in pieces of a few thousand, which cut through its characters. */
export function inPieces(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += 9999)));
    },
  });
}
