import { describe, expect, it } from "vitest";
import { ResponseReader } from "./response-reader.ts";

function readIn(pieces: readonly string[]): string[] {
  const seen: string[] = [];
  let body = "";
  const reader = new ResponseReader({
    head: (status) => seen.push(`head ${status}`),
    body: (slice) => {
      body += slice.toString();
    },
    end: () => {
      seen.push(`end ${body}`);
      body = "";
    },
  });
  for (const piece of pieces) reader.push(Buffer.from(piece));
  return seen;
}

const WITH_LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n";
const EMPTY = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n";
const EXPECTED = ["head 200", "end hello", "head 200", "end hello world", "head 500", "end "];

describe("responses on one connection", () => {
  it("are told apart, with a length, chunked and empty", () => {
    expect(readIn([WITH_LENGTH + CHUNKED + EMPTY])).toEqual(EXPECTED);
  });

  it("are the same when they are cut at any place", () => {
    const all = WITH_LENGTH + CHUNKED + EMPTY;
    for (let cut = 1; cut < all.length; cut += 1) expect(readIn([all.slice(0, cut), all.slice(cut)])).toEqual(EXPECTED);
    expect(readIn(all.split(""))).toEqual(EXPECTED);
  });

  it("are refused when they are no HTTP, or tell no length", () => {
    expect(() => readIn(["SSH-2.0\r\n\r\n"])).toThrow("not an HTTP/1.1 response");
    expect(() => readIn(["HTTP/1.1 200 OK\r\nserver: x\r\n\r\n"])).toThrow("without a length");
  });
});
