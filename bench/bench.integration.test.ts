import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { checkTarget } from "./check-target.ts";
import { measureLoad, type LoadShape } from "./scenarios/measure-load.ts";
import { startDirect } from "./targets/direct.ts";
import { startFloor } from "./targets/floor.ts";
import type { ServerProcess } from "./targets/server-process.ts";
import type { Target, TargetContext } from "./targets/types.ts";
import { startUpstream } from "./targets/upstream.ts";
import { ANSWER_TEXT } from "./upstream/answers.ts";

const directory = mkdtempSync(join(tmpdir(), "codewise-bench-test-"));
/** Each measurement starts a process. */
vi.setConfig({ testTimeout: 60_000 });

const WHOLE: LoadShape = { kind: "whole", warmupSeconds: 0.1, connections: 4, promptBytes: 1000 };
const STREAMS: LoadShape = { kind: "streams", warmupSeconds: 0.1, streams: 4, chunks: 20, gapMs: 5 };
let upstream: ServerProcess;
let context: TargetContext;
let floor: Target;

beforeAll(async () => {
  upstream = await startUpstream(directory);
  context = { upstream, directory, fromSource: true, databaseUrl: () => undefined };
  floor = await startFloor(context);
});

afterAll(async () => {
  await floor.stop();
  await upstream.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe("a measurement", () => {
  it.each(["direct", "floor"] as const)(
    "of %s has right answers and equal counts, whole and streamed",
    async (name) => {
      const target = name === "direct" ? await startDirect(context) : floor;
      await checkTarget(target, ["whole", "streams"]);
      const whole = await measureLoad({ target, seconds: 0.3 }, WHOLE);
      expect(whole.answered).toBeGreaterThan(10);
      expect(whole.latency.p50).toBeGreaterThan(0);
      const streams = await measureLoad({ target, seconds: 0.3 }, STREAMS);
      expect(streams.chunks).toBeGreaterThan(20);
      expect(streams.delay.p50).toBeGreaterThan(0);
      expect(streams.resident[0]).toBeGreaterThan(10_000_000);
    },
  );

  it("at a fixed rate sends that rate, whatever the connections could take", async () => {
    const { answered } = await measureLoad({ target: floor, seconds: 1 }, { ...WHOLE, rate: 100 });
    expect(answered).toBeGreaterThan(30);
    expect(answered).toBeLessThan(170);
  });
});

describe("a target that lies", () => {
  let server: Server | undefined;

  async function liar(type: string, body: string): Promise<Target> {
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": type }).end(body);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server?.once("listening", resolve));
    return { ...floor, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pid: process.pid };
  }

  it("is found out by the check before the load", async () => {
    const target = await liar("application/json", JSON.stringify({ choices: [], usage: {} }));
    await expect(checkTarget(target, ["whole"])).rejects.toThrow();
    server?.closeAllConnections();
  });

  it("fails the measurement with other text, and with right text that never came from the upstream", async () => {
    const wrong = await liar("application/json", '{"choices":[]}');
    await expect(measureLoad({ target: wrong, seconds: 0.2 }, WHOLE)).rejects.toThrow("not the upstream's");
    server?.closeAllConnections();
    const invented = await liar("application/json", JSON.stringify({ text: ANSWER_TEXT }));
    await expect(measureLoad({ target: invented, seconds: 0.2 }, WHOLE)).rejects.toThrow("0 reached the upstream");
    server?.closeAllConnections();
  });

  it("fails the measurement with a stream that ends early", async () => {
    const target = await liar("text/event-stream", 'data: {"content":"@0000000000000000001 "}\n\ndata: [DONE]\n\n');
    await expect(measureLoad({ target, seconds: 0.2 }, STREAMS)).rejects.toThrow("a stream had 1 chunks of 20");
    server?.closeAllConnections();
  });
});
