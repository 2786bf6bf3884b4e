/** Agents and servers that are killed and come back, agents of other versions, disks and clocks that fail. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { EXIT } from "../../../agent/src/exit-codes.ts";
import type { StandInConfig } from "../claude-stand-in/config.ts";
import { generateDeltas } from "../claude-stand-in/generate-answer.ts";
import { startProxyHarness } from "../proxy-harness.ts";
import type { AgentProcess } from "./agent-process.ts";
import { createFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import { jumpingClockOption } from "./jumping-clock.ts";
import { PATIENT_GRACE_MS, PROCESS_ENV, type ProcessStage } from "./process-stage.ts";
import { RowBook } from "./row-book.ts";
import type { Scenario } from "./scenario.ts";
import { ServerProcess } from "./server-process.ts";
import { until } from "./settings.ts";
import { askAsClient } from "./wire-client.ts";

const SLOW: Partial<StandInConfig> = { delayMs: 12 };
const CALM = { posts: new Map(), streams: new Map(), lostInputs: 0 };
const CLI_END_WAIT_MS = 15_000;

/** A proxy of its own, whose grace is long enough for a process to start in it, behind a line that can be cut. */
async function withPatientProxy(stage: ProcessStage, play: (line: FaultProxy) => Promise<void>): Promise<void> {
  const env = { ...PROCESS_ENV, AGENT_RESUME_GRACE_MS: String(PATIENT_GRACE_MS), IDLE_TIMEOUT_MS: "15000" };
  const proxy = await startProxyHarness(env);
  const rows = new RowBook(proxy.runtime.live);
  const line = await createFaultProxy({
    port: Number(new URL(proxy.url).port),
    plan: CALM,
    onFault: () => undefined,
  });
  try {
    stage.moveTo(proxy, rows);
    await play(line);
    await stage.end();
  } finally {
    await line.close();
    rows.close();
    await proxy.close();
  }
}

/** Waits for the agent to say of so many requests that they have ended. */
async function cliEnded(stage: ProcessStage, agent: AgentProcess, count = 1): Promise<void> {
  const ends = (): number => agent.log().split('"request ended"').length - 1;
  stage.require(await until(() => ends() >= count, CLI_END_WAIT_MS), "the CLI did not end");
}

/** Files of unacknowledged answers in an agent's home. */
async function spoolFiles(agent: AgentProcess): Promise<readonly string[]> {
  const folder = join(agent.home, ".local", "state", "codewise", "agent");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function otherProtocol(stage: ProcessStage, protocol: number): Promise<void> {
  const plan = { port: Number(new URL(stage.proxy.url).port), plan: CALM, onFault: () => undefined, protocol };
  const line = await createFaultProxy(plan);
  const stranger = await stage.launch("stranger", {}, line.url);
  stage.require((await stranger.ended(15_000)) === EXIT.incompatible, "the stranger was not told to go");
  stage.require(stranger.log().includes("does not speak the protocol"), "the stranger does not say why");
  stage.require(stage.agent(stranger.id) === undefined, "the stranger was let in");
  await stage.start("a");
  await stage.ask({ characters: 500, expects: "done" }).view;
  await line.close();
}

export const RESTART_SCENARIOS: readonly Scenario[] = [
  {
    name: "agent killed after the CLI's end while its POSTs are lost, and restarted",
    play: (stage) =>
      withPatientProxy(stage, async (line) => {
        const agent = await stage.start("a", {}, line.url);
        const asked = stage.ask({ characters: 2000, standIn: SLOW, expects: "done" });
        await asked.seen(1 + stage.random.below(500));
        line.cutPosts(true);
        await cliEnded(stage, agent);
        stage.require((await spoolFiles(agent)).length === 1, "the answer is not on disk");
        stage.signal(agent, "SIGKILL");
        line.cutPosts(false);
        const next = stage.relaunch(agent);
        await asked.view;
        stage.require((await agent.runsOf(asked.tag)) === 1, "the CLI ran again");
        await stage.ready("a");
        await stage.ask({ characters: 300, expects: "done" }).view;
        stage.require(await untilNone(next), "files are left on disk");
      }),
  },
  {
    name: "agent killed twice after the CLI's end, and restarted",
    play: (stage) =>
      withPatientProxy(stage, async (line) => {
        const agent = await stage.start("a", {}, line.url);
        const asked = stage.ask({ characters: 1500, standIn: SLOW, expects: "done" });
        await asked.seen(1);
        line.cutPosts(true);
        await cliEnded(stage, agent);
        stage.signal(agent, "SIGKILL");
        const second = stage.relaunch(agent);
        await until(() => second.log().includes('"connected"'), 6000);
        stage.signal(second, "SIGKILL");
        line.cutPosts(false);
        const third = stage.relaunch(second);
        await asked.view;
        stage.require((await agent.runsOf(asked.tag)) === 1, "the CLI ran again");
        stage.require(await until(() => third.log().includes('"connected"'), 15_000), "the third does not connect");
      }),
  },
  {
    name: "agent drained while its POSTs are lost, and restarted",
    play: (stage) =>
      withPatientProxy(stage, async (line) => {
        const agent = await stage.start("a", {}, line.url);
        const asked = stage.ask({ characters: 800, standIn: SLOW, expects: "done" });
        await asked.seen(1);
        line.cutPosts(true);
        stage.signal(agent, "SIGTERM");
        stage.require((await agent.ended(15_000)) === 0, "the drained agent did not exit with 0");
        line.cutPosts(false);
        stage.relaunch(agent);
        await asked.view;
      }),
  },
  {
    name: "agent killed with one answer ended and one in mid-stream, and restarted",
    play: (stage) =>
      withPatientProxy(stage, async (line) => {
        const agent = await stage.start("a", {}, line.url);
        const ended = stage.ask({ characters: 1000, standIn: SLOW, expects: "done" });
        const running = stage.ask({ characters: 60_000, standIn: SLOW, expects: "error frame" });
        await Promise.all([ended.seen(1), running.seen(1)]);
        line.cutPosts(true);
        await cliEnded(stage, agent);
        stage.signal(agent, "SIGKILL");
        line.cutPosts(false);
        await stage.cliGone(agent, 2000);
        stage.relaunch(agent);
        await ended.view;
        await running.view;
        stage.require((await agent.runsOf(running.tag)) === 1, "a CLI ran twice for one attempt");
      }),
  },
  {
    name: "agent killed before it accepts, and restarted",
    play: (stage) =>
      withPatientProxy(stage, async (line) => {
        const agent = await stage.start("a", {}, line.url);
        stage.signal(agent, "SIGSTOP");
        const asked = stage.ask({ characters: 500, expects: "done" });
        await until(() => stage.agent(agent.id)?.inFlight === 1, 2000);
        stage.signal(agent, "SIGKILL");
        stage.relaunch(agent);
        await asked.view;
        stage.require((await agent.runsOf(asked.tag)) === 1, "the CLI did not run once");
      }),
  },
  {
    name: "agent killed after it accepted, and restarted",
    play: (stage) =>
      withPatientProxy(stage, async (line) => {
        const agent = await stage.start("a", {}, line.url);
        const asked = stage.ask({ characters: 500, standIn: { delayMs: 150 }, attempts: 2, expects: "done" });
        await stage.cliStarted(agent);
        stage.signal(agent, "SIGKILL");
        await stage.cliGone(agent, 2000);
        stage.relaunch(agent);
        await asked.view;
      }),
  },
  {
    name: "agent killed after the last chunk, and restarted",
    async play(stage) {
      const agent = await stage.start("a");
      const asked = stage.ask({ characters: 1000, hangsAfterText: true, expects: "error frame" });
      await asked.seen(asked.deltas.join("").length);
      stage.signal(agent, "SIGKILL");
      stage.relaunch(agent);
      await asked.view;
      await stage.ready("a");
      await stage.ask({ characters: 300, expects: "done" }).view;
    },
  },
  {
    name: "agent killed in mid-stream, and restarted",
    async play(stage) {
      const agent = await stage.start("a");
      const asked = stage.ask({ characters: 6000, standIn: SLOW, expects: "error frame" });
      await asked.seen(50 + stage.random.below(2000));
      stage.signal(agent, "SIGKILL");
      await stage.cliGone(agent, 2000);
      stage.relaunch(agent);
      await asked.view;
      await stage.ready("a");
      await stage.ask({ characters: 500, expects: "done" }).view;
    },
  },
  {
    name: "agent whose spool cannot be written",
    async play(stage) {
      // A path below a device cannot be made by anybody.
      const agent = await stage.start("a", {}, undefined, { CODEWISE_SPOOL_DIR: "/dev/null/spool" });
      await stage.ask({ characters: 3000, expects: "done" }).view;
      const warnings = agent.log().split("going on in memory").length - 1;
      stage.require(warnings === 1, `${warnings} warnings about the spool`);
    },
  },
  {
    name: "agent whose wall clock jumps by hours",
    async play(stage) {
      const agent = await stage.start("a", {}, undefined, { NODE_OPTIONS: jumpingClockOption() });
      const asked = [1, 2].map(() => stage.ask({ characters: 4000, standIn: SLOW, expects: "done" }));
      await Promise.all(asked.map((one) => one.view));
      const hours = new Set([...agent.log().matchAll(/"time":"\d+-\d+-\d+T(\d+):/g)].map(([, hour]) => hour));
      stage.require(hours.size > 1, "the clock did not jump");
    },
  },
  {
    name: "agent of the next protocol",
    play: (stage) => otherProtocol(stage, 2),
  },
  {
    name: "agent of a protocol that is no longer spoken",
    play: (stage) => otherProtocol(stage, 0),
  },
  {
    name: "server killed in mid-stream, and restarted",
    async play(stage) {
      const server = await ServerProcess.start(PROCESS_ENV);
      try {
        await playServerKill(stage, server);
      } finally {
        await server.remove();
      }
    },
  },
];

async function untilNone(agent: AgentProcess): Promise<boolean> {
  for (let tries = 0; tries < 50; tries += 1) {
    if ((await spoolFiles(agent)).length === 0) return true;
    await wait(20);
  }
  return false;
}

async function playServerKill(stage: ProcessStage, server: ServerProcess): Promise<void> {
  const agent = await stage.launch("a", {}, server.url);
  const connects = (): number => agent.log().split('"connected"').length - 1;
  stage.require(await until(() => connects() === 1, 15_000), "the agent does not connect");
  stage.require(await server.lists("sonnet", 15_000), "the agent does not say what it offers");
  const seed = stage.random.below(1_000_000);
  let seen = 0;
  const ask = (characters: number, standIn: Partial<StandInConfig>) =>
    askAsClient({
      url: server.url,
      apiKey: server.apiKey,
      model: "sonnet",
      prompt: JSON.stringify({ standIn: { answer: { type: "generate", seed, characters }, ...standIn } }),
      plan: { stream: true },
      onText: (text) => {
        seen += text.length;
      },
    });
  const cut = ask(60_000, SLOW);
  stage.require(await until(() => seen > 100, 15_000), "nothing is said");
  stage.note("SIGKILL to the server");
  await server.kill();
  const lost = await cut;
  stage.views.push(lost.kind === "broken" ? { ...lost, kind: "error frame", code: "connection broken" } : lost);
  stage.require(lost.kind === "broken" && lost.why.startsWith("connection:"), "the client does not see a broken line");
  stage.require(generateDeltas(seed, 60_000).join("").startsWith(lost.text), "the text is not the beginning");
  await server.startAgain();
  stage.require(await until(() => connects() === 2, 25_000), "the agent does not come back");
  await stage.cliGone(agent, 4000);
  stage.require(await server.lists("sonnet", 15_000), "the agent does not say what it offers again");
  const whole = await ask(500, {});
  stage.views.push(whole);
  stage.require(
    whole.kind === "done" && whole.text === generateDeltas(seed, 500).join(""),
    `after the restart: ${JSON.stringify({ ...whole, text: whole.text.length })}`,
  );
}
