import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import type { HttpResponse } from "./context.ts";
import { pacedEnd } from "./paced-end.ts";

it("ends an answer once, although one emptying of the buffers is told twice", () => {
  const events = new EventEmitter();
  const written: Buffer[] = [];
  let ends = 0;
  const response = {
    write: (data: Buffer) => {
      written.push(data);
      return false;
    },
    end: (data: Buffer) => {
      written.push(data);
      ends += 1;
    },
    on: (event: string, listener: () => void) => {
      events.on(event, listener);
      events.on(event, listener);
    },
    off: (event: string, listener: () => void) => events.off(event, listener).off(event, listener),
  } as unknown as HttpResponse;
  const body = Buffer.alloc(200_000, "x");
  pacedEnd(response, body);
  for (let turn = 0; turn < 4; turn += 1) events.emit("drain");
  expect(ends).toBe(1);
  expect(Buffer.concat(written)).toEqual(body);
});
