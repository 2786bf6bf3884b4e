import { describe, expect, it } from "vitest";
import { FrontendFramer } from "./embedded-session.ts";

function startup(): Buffer {
  const body = Buffer.from("user\0postgres\0\0");
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length, 0);
  header.writeUInt32BE(196_608, 4);
  return Buffer.concat([header, body]);
}

function frame(type: string, body: string): Buffer {
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeUInt32BE(4 + Buffer.byteLength(body), 1);
  return Buffer.concat([header, Buffer.from(body)]);
}

const parse = frame("P", "\0select $1\0\0\0");
const bind = frame("B", "\0\0\0\0");
const execute = frame("E", "\0\0\0\0\0");
const sync = frame("S", "");
const query = frame("Q", "select 1\0");
const terminate = frame("X", "");
const wire = Buffer.concat([startup(), parse, bind, execute, sync, query, terminate]);
const expected = [startup(), Buffer.concat([parse, bind, execute, sync]), query].map((run) => run.toString("hex"));

describe("FrontendFramer", () => {
  it("gives the same runs wherever the bytes are cut", () => {
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const framer = new FrontendFramer();
      const first = framer.push(wire.subarray(0, cut));
      const second = framer.push(wire.subarray(cut));
      const runs = [...first.runs, ...second.runs].map((run) => Buffer.from(run).toString("hex"));
      expect(runs).toEqual(expected);
      expect(first.terminated || second.terminated).toBe(true);
    }
  });

  it("holds a run back until the client waits for its answer", () => {
    const framer = new FrontendFramer();
    framer.push(startup());
    expect(framer.push(Buffer.concat([parse, bind, execute])).runs).toEqual([]);
    expect(framer.push(sync).runs).toHaveLength(1);
  });

  it("refuses a startup packet of another protocol", () => {
    const packet = startup();
    packet.writeUInt32BE(80_877_103, 4);
    expect(() => new FrontendFramer().push(packet)).toThrow("unsupported startup packet");
  });
});
