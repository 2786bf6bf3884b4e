import { Writable } from "node:stream";
import { expect, it } from "vitest";
import type { HttpResponse } from "./context.ts";
import { pacedEnd } from "./paced-end.ts";

it.each([0, 1, 65_536, 65_537, 1_000_000])("ends with a body of %i bytes, at most 64 KiB at a time", async (length) => {
  const body = Buffer.from(Array.from({ length }, (_, index) => index % 251));
  const written: Buffer[] = [];
  const response = new Writable({
    highWaterMark: 65_536,
    write(chunk: Buffer, _encoding, done) {
      expect(response.writableLength).toBeLessThanOrEqual(65_536);
      written.push(chunk);
      setImmediate(done);
    },
  });
  const finished = new Promise((resolve) => response.once("finish", resolve));
  pacedEnd(response as unknown as HttpResponse, body);
  await finished;
  expect(Buffer.concat(written).equals(body)).toBe(true);
  expect(Math.max(0, ...written.map((slice) => slice.length))).toBeLessThanOrEqual(65_536);
  expect(response.listenerCount("drain")).toBe(0);
});
