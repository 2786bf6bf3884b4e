import { describe, expect, it } from "vitest";
import { createSseParser, encodeComment, encodeData, encodeEvent, type SseEvent } from "./sse.ts";

function parse(chunks: readonly Buffer[], maxEventLength?: number): SseEvent[] {
  const events: SseEvent[] = [];
  const parser = createSseParser({
    onEvent: ({ event, data }) => void events.push(event === undefined ? { data } : { event, data }),
    ...(maxEventLength === undefined ? {} : { maxEventLength }),
  });
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

describe("encoding", () => {
  it("what is encoded is parsed as it was", () => {
    const payloads = ["{}", "a\nb", "a\r\nb", "  lead", "日本語 🙂", "", "data: x"];
    const frames = payloads.map(encodeData).join(encodeComment("keepalive"));
    expect(parse([Buffer.from(frames)]).map(({ data }) => data)).toEqual(
      payloads.map((payload) => payload.replace("\r\n", "\n")),
    );
    expect(parse([Buffer.from(encodeEvent("ping", "{}"))])).toEqual([{ event: "ping", data: "{}" }]);
  });
});

describe("parsing", () => {
  const stream = Buffer.from(
    'id: 7\nretry: 10\n: comment\nevent: a\ndata: {"x":"é🙂\u2028"}\n\n' +
      "data: one\r\ndata: two\r\n\r\n" +
      "data:three\r\rdata: [DONE]\n\n",
  );

  it("gives the same events wherever the bytes are cut", () => {
    const expected = [
      { event: "a", data: '{"x":"é🙂\u2028"}' },
      { data: "one\ntwo" },
      { data: "three" },
      { data: "[DONE]" },
    ];
    for (let offset = 0; offset <= stream.length; offset += 1) {
      expect(parse([stream.subarray(0, offset), stream.subarray(offset)])).toEqual(expected);
    }
    expect(parse(Array.from(stream, (byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it("drops an event that the end leaves without its blank line", () => {
    expect(parse([Buffer.from("data: a\n\ndata: b\n")])).toEqual([{ data: "a" }]);
  });

  it("refuses an event over the limit, whether one line or many, and stays refused", () => {
    const error = expect.objectContaining({ code: "upstream_invalid_response" });
    const piece = Buffer.from("x".repeat(60));
    expect(() => parse([Buffer.from("data: "), piece, piece], 100)).toThrow(error);
    const line = Buffer.from(`data: ${"x".repeat(60)}\n`);
    expect(() => parse([line, line, line], 100)).toThrow(error);
    const parser = createSseParser({ onEvent: () => {}, maxEventLength: 100 });
    expect(() => [Buffer.from("data: "), piece, piece].forEach((chunk) => parser.push(chunk))).toThrow(error);
    expect(() => parser.push(piece)).toThrow(error);
  });

  it("lets out what the callback throws", () => {
    const parser = createSseParser({
      onEvent: () => {
        throw new Error("mine");
      },
    });
    expect(() => parser.push(Buffer.from("data: a\n\n"))).toThrow("mine");
  });
});
