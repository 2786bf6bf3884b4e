/** What happens to real agents and real CLIs, one scenario per entry of the protocol's test plan. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startProxyHarness } from "../proxy-harness.ts";
import type { StandInConfig } from "../claude-stand-in/config.ts";
import { createFaultProxy } from "./fault-proxy.ts";
import { LINES_BEFORE_TEXT, PROCESS_ENV, PROCESS_LOST_AFTER_MS, type ProcessStage } from "./process-stage.ts";
import { RESTART_SCENARIOS } from "./restart-scenarios.ts";
import { RowBook } from "./row-book.ts";
import type { Scenario } from "./scenario.ts";
import { until } from "./settings.ts";

const SLOW: Partial<StandInConfig> = { delayMs: 12 };
/** A CLI's death after its client has left: the bound. */
const CANCEL_BOUND_MS = 2000;

/** Two agents with one slow request each, both in mid-stream. */
async function twoInMidStream(stage: ProcessStage) {
  const agents = [await stage.start("a"), await stage.start("b")] as const;
  const asked = [stage.ask({ characters: 6000, standIn: SLOW }), stage.ask({ characters: 6000, standIn: SLOW })];
  await Promise.all(asked.map((one) => one.seen(50 + stage.random.below(2000))));
  return { victim: agents[0], asked };
}

/** The requests of the victim must have failed with an error frame, those of the other be whole. */
async function onlyTheVictimsFail(
  stage: ProcessStage,
  victimId: string,
  asked: readonly ReturnType<ProcessStage["ask"]>[],
) {
  const views = await Promise.all(asked.map((one) => one.view));
  const kinds = views.map(({ agentId, kind }) => (agentId === victimId ? `victim ${kind}` : kind));
  stage.require(kinds.toSorted().join() === "done,victim error frame", `ends: ${kinds.join()}`);
}

async function oneInMidStream(
  stage: ProcessStage,
  expects: "done" | "error frame",
  standIn: Partial<StandInConfig> = SLOW,
) {
  const agent = await stage.start("a");
  const asked = stage.ask({ characters: 6000, standIn, expects });
  await asked.seen(50 + stage.random.below(2000));
  return { agent, asked };
}

async function cliFault(
  stage: ProcessStage,
  standIn: Partial<StandInConfig>,
  expects: "done" | "error frame" | "http error",
) {
  const agent = await stage.start("a");
  await stage.ask({ characters: 3000, standIn, expects }).view;
  await stage.cliGone(agent, CANCEL_BOUND_MS);
  await stage.ask({ characters: 300, expects: "done" }).view;
}

async function withGrandchild(stage: ProcessStage, grandchild: "quiet" | "holds-output") {
  const agent = await stage.start("a", { grandchild });
  await stage.ask({ characters: 3000, expects: "done" }).view;
  await stage.cliGone(agent, 4000);
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "agent killed before it accepts",
    async play(stage) {
      const victim = await stage.start("a");
      await stage.start("b");
      stage.signal(victim, "SIGSTOP");
      const asked = [1, 2].map(() => stage.ask({ characters: 3000, expects: "done" }));
      await until(() => stage.agent(victim.id)?.inFlight === 1, 2000);
      stage.signal(victim, "SIGKILL");
      const views = await Promise.all(asked.map((one) => one.view));
      stage.require(
        views.every(({ agentId }) => agentId !== victim.id),
        "served by the one that was killed",
      );
    },
  },
  {
    name: "agent killed after it accepted",
    async play(stage) {
      const victim = await stage.start("a");
      await stage.start("b");
      const asked = [1, 2].map(() => stage.ask({ characters: 500, standIn: { delayMs: 150 }, expects: "done" }));
      await stage.cliStarted(victim);
      stage.signal(victim, "SIGKILL");
      await stage.cliGone(victim, CANCEL_BOUND_MS);
      await Promise.all(asked.map((one) => one.view));
    },
  },
  {
    name: "agent killed in mid-stream",
    async play(stage) {
      const { victim, asked } = await twoInMidStream(stage);
      stage.signal(victim, "SIGKILL");
      await stage.cliGone(victim, CANCEL_BOUND_MS);
      await onlyTheVictimsFail(stage, victim.id, asked);
    },
  },
  {
    name: "agent killed after the last chunk",
    async play(stage) {
      const victim = await stage.start("a");
      const asked = stage.ask({ characters: 1000, hangsAfterText: true, expects: "error frame" });
      await asked.seen(asked.deltas.join("").length);
      stage.signal(victim, "SIGKILL");
      const { text } = await asked.view;
      stage.require(text === asked.deltas.join(""), "killed before the last chunk");
    },
  },
  {
    name: "laptop asleep for less than the silence",
    async play(stage) {
      const { agent, asked } = await oneInMidStream(stage, "done");
      stage.signal(agent, "SIGSTOP");
      await wait(50 + stage.random.below(300));
      stage.signal(agent, "SIGCONT");
      await asked.view;
    },
  },
  {
    name: "laptop asleep for less than the grace",
    async play(stage) {
      const { agent, asked } = await oneInMidStream(stage, "done");
      stage.signal(agent, "SIGSTOP");
      await until(() => stage.agent(agent.id)?.state === "resuming", 3000);
      await wait(stage.random.below(200));
      stage.signal(agent, "SIGCONT");
      await asked.view;
    },
  },
  {
    name: "laptop asleep for longer than the grace",
    async play(stage) {
      const { agent, asked } = await oneInMidStream(stage, "error frame");
      stage.signal(agent, "SIGSTOP");
      await asked.view;
      await wait(stage.random.below(300));
      stage.signal(agent, "SIGCONT");
      await stage.cliGone(agent, 4000);
      await stage.ready("a");
      await stage.ask({ characters: 500, expects: "done" }).view;
    },
  },
  {
    name: "laptop asleep before it accepts, for longer than the grace",
    async play(stage) {
      const agent = await stage.start("a");
      stage.signal(agent, "SIGSTOP");
      const asked = stage.ask({ characters: 500, expects: "http error" });
      await asked.view;
      stage.signal(agent, "SIGCONT");
      await stage.ready("a");
      await wait(PROCESS_LOST_AFTER_MS / 4);
      stage.require((await agent.runsOf(asked.tag)) === 0, "a CLI ran for a request that had failed");
      await stage.ask({ characters: 500, expects: "done" }).view;
    },
  },
  {
    name: "agent drained in mid-stream",
    async play(stage) {
      const { agent, asked } = await oneInMidStream(stage, "done");
      stage.signal(agent, "SIGTERM");
      await asked.view;
      stage.require((await agent.ended(5000)) === 0, "the drained agent did not exit with 0");
    },
  },
  {
    name: "agent told twice to stop in mid-stream",
    async play(stage) {
      const { agent, asked } = await oneInMidStream(stage, "error frame");
      stage.signal(agent, "SIGTERM");
      await until(() => stage.agent(agent.id)?.state === "draining", 2000);
      stage.signal(agent, "SIGTERM");
      stage.require((await agent.ended(5000)) === 143, "the agent did not exit with 143");
      await stage.cliGone(agent, CANCEL_BOUND_MS);
      await asked.view;
    },
  },
  {
    name: "two agents of one id",
    async play(stage) {
      const first = await stage.start("a");
      const second = await stage.launch("a");
      stage.require(
        await until(() => second.log().includes("another agent with this id"), 15_000),
        "the twin was let in",
      );
      const served = stage.ask({ characters: 1000, expects: "done" });
      await served.view;
      stage.require((await first.runsOf(served.tag)) === 1, "the twin served");
      const lost = stage.ask({ characters: 6000, standIn: SLOW, expects: "error frame" });
      await lost.seen(100);
      const since = stage.agent(first.id)?.connectedSince;
      stage.signal(first, "SIGKILL");
      await lost.view;
      const hasTakenOver = (): boolean => ![undefined, since].includes(stage.agent(first.id)?.connectedSince);
      stage.require(await until(hasTakenOver, 20_000), "the twin did not take over");
      await stage.ready("a");
      await stage.ask({ characters: 1000, expects: "done" }).view;
    },
  },
  {
    name: "CLI hangs in mid-stream",
    play: (stage) => cliFault(stage, { hangAfterLines: LINES_BEFORE_TEXT + 9 }, "error frame"),
  },
  { name: "CLI hangs before output", play: (stage) => cliFault(stage, { hangAfterLines: 1 }, "http error") },
  {
    name: "CLI floods 100 MB without a line end",
    play: (stage) => cliFault(stage, { answer: { type: "flood", bytes: 100 * 1024 * 1024 } }, "http error"),
  },
  {
    name: "CLI emits half lines",
    play: (stage) => cliFault(stage, { pieceBytes: 1 + stage.random.below(400) }, "done"),
  },
  {
    name: "CLI exits in mid-stream without a result",
    play: (stage) =>
      cliFault(stage, { exitAfterLines: LINES_BEFORE_TEXT + 5, exitCode: stage.random.below(2) }, "error frame"),
  },
  {
    name: "CLI exits before output without a result",
    play: (stage) => cliFault(stage, { exitAfterLines: 1, exitCode: stage.random.below(2) }, "http error"),
  },
  {
    name: "CLI prints HTML",
    async play(stage) {
      const folder = await mkdtemp(join(tmpdir(), "chaos-html-"));
      const file = join(folder, "page.html");
      await writeFile(file, "<!doctype html>\n<html><body>502 Bad Gateway</body></html>\n");
      await cliFault(stage, { answer: { type: "replay", file }, exitAtEnd: true }, "http error");
      await rm(folder, { recursive: true });
    },
  },
  {
    name: "CLI stays after its result",
    play: (stage) => cliFault(stage, { lingerAfterResult: true }, "done"),
  },
  {
    name: "CLI ignores SIGTERM while its client leaves",
    async play(stage) {
      const agent = await stage.start("a", { ignoreSigterm: true });
      const asked = stage.ask({
        characters: 20_000,
        standIn: SLOW,
        client: { leaveAfterBytes: 2000 },
        expects: "left",
      });
      await asked.view;
      await stage.cliGone(agent, 7000);
      await stage.ask({ characters: 300, expects: "done" }).view;
    },
  },
  {
    name: "client leaves in mid-stream",
    async play(stage) {
      const agent = await stage.start("a", { grandchild: "quiet" });
      const leaveAfterBytes = 2000 + stage.random.below(4000);
      await stage.ask({ characters: 20_000, standIn: SLOW, client: { leaveAfterBytes }, expects: "left" }).view;
      await stage.cliGone(agent, CANCEL_BOUND_MS);
    },
  },
  { name: "CLI leaves a grandchild", play: (stage) => withGrandchild(stage, "quiet") },
  { name: "CLI leaves a grandchild that holds its output", play: (stage) => withGrandchild(stage, "holds-output") },
  {
    name: "client reads a long answer slowly",
    async play(stage) {
      await stage.start("a");
      const client = { pause: { afterBytes: 1000, ms: 1500 + stage.random.below(1000) } };
      await stage.ask({ characters: 600_000, client, expects: "done" }).view;
    },
  },
  {
    name: "server restarted in mid-stream",
    async play(stage) {
      const proxies = [await startProxyHarness(PROCESS_ENV), await startProxyHarness(PROCESS_ENV)] as const;
      const books = proxies.map((proxy) => new RowBook(proxy.runtime.live));
      const plan = { posts: new Map(), streams: new Map(), lostInputs: 0 };
      const ports = proxies.map(({ url }) => Number(new URL(url).port));
      const line = await createFaultProxy({ port: ports[0]!, plan, onFault: () => undefined });
      stage.moveTo(proxies[0], books[0]!);
      const agent = await stage.start("a", {}, line.url);
      const lost = stage.ask({ characters: 6000, standIn: SLOW, expects: "error frame" });
      await lost.seen(100 + stage.random.below(1000));
      stage.note("the server is restarted");
      await proxies[0].close();
      line.retarget(ports[1]!);
      await stage.settle(lost);
      stage.moveTo(proxies[1], books[1]!);
      await stage.ready("a");
      await stage.cliGone(agent, CANCEL_BOUND_MS);
      await stage.ask({ characters: 1000, expects: "done" }).view;
      await stage.end();
      await line.close();
      await proxies[1].close();
    },
  },
  ...RESTART_SCENARIOS,
];
