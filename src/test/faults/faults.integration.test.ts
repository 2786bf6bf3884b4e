import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REFUSED_FAULT } from "./catalogue/all.ts";
import { startFaultStage, type FaultStage } from "./fault-stage.ts";
import { renderFaultsPage } from "./faults-page.ts";
import { describeOutcome, type Observed } from "./outcome.ts";
import { UPSTREAM_KEY } from "./upstream-key.ts";

const PAGE = join(import.meta.dirname, "..", "..", "..", "docs", "faults.md");
/** A finished stream's connection is waited for so long before it is closed. */
const TRAILING_MS = 5000;

let stage: FaultStage;
let observed: readonly Observed[];

beforeAll(async () => {
  stage = await startFaultStage();
  observed = await stage.observe();
}, 300_000);

afterAll(() => stage.close());

const nameOf = ({ run }: Observed): string => `${run.provider}, ${run.faultId}, ${run.mode}`;

/** By name, so that a failure shows all that differ at once. */
function byName<Value>(read: (one: Observed) => Value): Record<string, Value> {
  return Object.fromEntries(observed.map((one) => [nameOf(one), read(one)]));
}

describe("the catalogue of faults", () => {
  it("gives the client what it says, for every provider, streamed and not", () => {
    expect(byName((one) => describeOutcome(one).client)).toEqual(byName(({ run }) => run.expect));
  });

  it("is what docs/faults.md says; `npm run docs:faults` writes it", async () => {
    await expect(renderFaultsPage(observed)).toMatchFileSnapshot(PAGE);
  });
});

describe("every answer", () => {
  it("ends with [DONE], a whole completion or an error with its four keys, and has no line of the upstream's own", () => {
    const problems = byName(({ seen }) => seen.problems.join("; "));
    expect(Object.entries(problems).filter(([, problem]) => problem !== "")).toEqual([]);
  });

  it("has a row with the error that the client saw", () => {
    expect(byName(({ row }) => row?.errorCode)).toEqual(byName(({ seen }) => seen.error?.code ?? null));
  });

  it("has a row with the status that the client saw, or the failure's where that came too late", () => {
    expect(byName(({ row }) => row?.status)).toEqual(
      byName(({ run: { expect: expected } }) => (expected.gets === "answer" ? 200 : expected.status)),
    );
  });

  it("says the time to wait in whole seconds too", () => {
    const seconds = byName(({ answer }) => answer.headers["retry-after"]);
    const milliseconds = byName(({ answer }) => answer.headers["retry-after-ms"]);
    const expected = Object.entries(milliseconds).map(([name, ms]) => [
      name,
      ms === undefined ? undefined : String(Math.ceil(Number(ms) / 1000)),
    ]);
    expect(seconds).toEqual(Object.fromEntries(expected));
  });

  it("never shows the upstream's comments, nor the proxy's key at the upstream", () => {
    const leaks = observed.filter(
      ({ answer }) => /upstream-comment/.test(answer.body) || answer.body.includes(UPSTREAM_KEY),
    );
    expect(leaks.map(nameOf)).toEqual([]);
  });
});

describe("the upstreams", () => {
  it("are asked once per request, since retries are switched off here", () => {
    const asked = observed.filter(({ run }) => run.provider === "openai" || run.provider === "claude-api");
    const times = (model: string): number => asked.filter(({ run }) => run.model === model).length;
    const models = [...new Set(asked.map(({ run }) => run.model))].filter((model) => !model.endsWith(REFUSED_FAULT.id));
    const attempts = models.map((model) => [model, stage.upstreams.attempts(model)]);
    expect(Object.fromEntries(attempts)).toEqual(Object.fromEntries(models.map((model) => [model, times(model)])));
  });
});

describe("afterwards", () => {
  it("no request, process or socket is left behind", async () => {
    for (const { runtime } of [stage.proxies.long, stage.proxies.short]) expect(runtime.activeCalls()).toBe(0);
    await stage.upstreams.settled(TRAILING_MS + 3000);
  });
});
