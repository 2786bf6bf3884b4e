import { describe, expect, it } from "vitest";
import { parseResidentBytes, parseStat, selectTree } from "./process-tree.ts";

/** A line as Linux 6 writes it; utime is its 14th field, stime the 15th. */
const stat = (name: string): string =>
  `4242 (${name}) S 17 4242 4242 0 -1 4194560 9000 0 1 0 345 67 8 9 20 0 11 0 500000 1300000000 20000 18446744073709551615 1 1 0 0 0 0 0 4096 17642 0 0 0 17 1 0 0 0 0 0`;

describe("a line of /proc/<pid>/stat", () => {
  it("gives the process, its parent and the CPU time of itself alone", () => {
    expect(parseStat(stat("node"))).toEqual({ pid: 4242, parent: 17, ticks: 345 + 67 });
  });

  it("may have a name with spaces and parentheses", () => {
    expect(parseStat(stat("a) R 1 (b"))).toEqual({ pid: 4242, parent: 17, ticks: 412 });
  });

  it("is refused when it is something else", () => {
    expect(() => parseStat("")).toThrow("not a line of /proc/<pid>/stat");
    expect(() => parseStat("1 (node) S x")).toThrow("not a line of /proc/<pid>/stat");
  });
});

describe("the resident size", () => {
  it("is read in bytes", () => {
    expect(parseResidentBytes("Name:\tnode\nVmHWM:\t  99999 kB\nVmRSS:\t   51200 kB\nThreads:\t11\n")).toBe(52_428_800);
  });

  it("of a zombie is 0", () => {
    expect(parseResidentBytes("Name:\tnode\nState:\tZ (zombie)\n")).toBe(0);
  });
});

describe("a process tree", () => {
  const process = (pid: number, parent: number) => ({ pid, parent, ticks: 1 });

  it("holds the root and its descendants of every generation, once each, and nobody else", () => {
    const all = [process(1, 0), process(30, 20), process(20, 10), process(10, 1), process(11, 1), process(21, 10)];
    const pids = selectTree(all, 10).map(({ pid }) => pid);
    expect(pids[0]).toBe(10);
    expect(pids.toSorted((left, right) => left - right)).toEqual([10, 20, 21, 30]);
  });

  it("of a process that is gone is empty", () => {
    expect(selectTree([process(1, 0)], 99)).toEqual([]);
  });
});
