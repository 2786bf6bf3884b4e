/** Where a scenario with real processes is played: starts agents, asks, and judges in the end. */
import { setTimeout as wait } from "node:timers/promises";
import type { StandInConfig } from "../claude-stand-in/config.ts";
import { generateDeltas } from "../claude-stand-in/generate-answer.ts";
import type { ProxyHarness } from "../proxy-harness.ts";
import { SeededRandom } from "../seeded-random.ts";
import { startAgentProcess, type AgentProcess } from "./agent-process.ts";
import type { RowBook } from "./row-book.ts";
import { BOUND_MARGIN_MS, until } from "./settings.ts";
import type { Trace } from "./trace.ts";
import { describeDifference, rowProblems } from "./verify.ts";
import { askAsClient, type ClientPlan, type ClientView } from "./wire-client.ts";

/** Longer than those of the other suite: real agents wait up to a second before they reconnect. In milliseconds. */
export const PROCESS_CLOCKS = {
  pingIntervalMs: 500,
  resumeGraceMs: 2000,
  queueWaitMs: 8000,
  firstOutputMs: 6000,
  idleMs: 4000,
  requestMs: 20_000,
} as const;

/** The grace where a process must start within it on a busy machine. */
export const PATIENT_GRACE_MS = 10_000;

/** Silence of 2.5 ping intervals, noticed at the next ping, and the grace. */
export const PROCESS_LOST_AFTER_MS = 3.5 * PROCESS_CLOCKS.pingIntervalMs + PROCESS_CLOCKS.resumeGraceMs;

export const PROCESS_ENV: Record<string, string> = {
  AGENT_PING_INTERVAL_MS: String(PROCESS_CLOCKS.pingIntervalMs),
  AGENT_RESUME_GRACE_MS: String(PROCESS_CLOCKS.resumeGraceMs),
  AGENT_QUEUE_WAIT_MS: String(PROCESS_CLOCKS.queueWaitMs),
  FIRST_OUTPUT_TIMEOUT_MS: String(PROCESS_CLOCKS.firstOutputMs),
  IDLE_TIMEOUT_MS: String(PROCESS_CLOCKS.idleMs),
  REQUEST_TIMEOUT_MS: String(PROCESS_CLOCKS.requestMs),
};

const READY_WAIT_MS = 20_000;
const EXIT_WAIT_MS = 10_000;
/** The kill grace of a CLI that ignores SIGTERM, and a margin. */
const ORPHAN_WAIT_MS = 8000;

/** Lines of a generated answer before its first delta. */
export const LINES_BEFORE_TEXT = 4;

export interface Question {
  readonly characters: number;
  readonly standIn?: Partial<StandInConfig>;
  /** The CLI hangs when all text is said, before it says that it has ended. */
  readonly hangsAfterText?: boolean;
  readonly client?: Partial<ClientPlan>;
  /** How many attempts the CLI may be started for in one home; 1 unless a killed agent is asked again when it is back. */
  readonly attempts?: number;
  /** What the client must see; by default any honest end. */
  readonly expects?: ClientView["kind"];
}

export interface Asked {
  readonly tag: string;
  readonly deltas: readonly string[];
  readonly question: Question;
  readonly view: Promise<ClientView>;
  /** Resolves once the client has so many characters of text, or its answer has ended. */
  seen(characters: number): Promise<void>;
}

export interface StageOptions {
  readonly seed: number;
  readonly proxy: ProxyHarness;
  readonly rows: RowBook;
  readonly trace: Trace;
}

export class ProcessStage {
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly problems: string[] = [];
  readonly views: ClientView[] = [];
  readonly #seed: number;
  readonly #agents: AgentProcess[] = [];
  #asked: Asked[] = [];
  readonly #tags: { readonly tag: string; readonly attempts: number }[] = [];
  #isOver = false;
  #proxy: ProxyHarness;
  #rows: RowBook;

  constructor({ seed, proxy, rows, trace }: StageOptions) {
    this.#seed = seed;
    this.#proxy = proxy;
    this.#rows = rows;
    this.trace = trace;
    this.random = new SeededRandom(seed * 40_503);
  }

  get proxy(): ProxyHarness {
    return this.#proxy;
  }

  /** Another proxy from now on. */
  moveTo(proxy: ProxyHarness, rows: RowBook): void {
    this.#proxy = proxy;
    this.#rows = rows;
  }

  note(what: string): void {
    this.trace.add("stage", what);
  }

  require(holds: boolean, problem: string): void {
    if (!holds) this.problems.push(problem);
  }

  /** The id of an agent of this run. */
  agentId(name: string): string {
    return `chaos-${this.#seed}-${name}`;
  }

  /** Starts an agent without waiting for its connection. */
  async launch(
    name: string,
    config: Parameters<typeof startAgentProcess>[2] = {},
    url = this.#proxy.url,
    env: Readonly<Record<string, string>> = {},
  ): Promise<AgentProcess> {
    const agent = await startAgentProcess(url, this.agentId(name), config, env);
    this.#agents.push(agent);
    return agent;
  }

  /** Starts an agent again in the home of one that was killed. */
  relaunch(killed: AgentProcess): AgentProcess {
    this.note(`${killed.id} is started again`);
    const agent = killed.again();
    this.#agents.push(agent);
    return agent;
  }

  /** Starts an agent and waits until the proxy can give it work. */
  async start(
    name: string,
    config: Parameters<typeof startAgentProcess>[2] = {},
    url?: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<AgentProcess> {
    const agent = await this.launch(name, config, url, env);
    await this.ready(name);
    return agent;
  }

  async ready(name: string): Promise<void> {
    const id = this.agentId(name);
    const isReady = (): boolean => this.agent(id)?.state === "ready";
    this.require(await until(isReady, READY_WAIT_MS), `agent ${name} did not become ready`);
    this.note(`agent ${name} is ready`);
  }

  agent(id: string) {
    return this.#proxy.runtime.manager.status().agents.find((agent) => agent.id === id);
  }

  ask(question: Question): Asked {
    const { url, apiKey } = this.#proxy;
    const number = this.#tags.length;
    const tag = `run-${this.#seed}-${number}-end`;
    const seed = this.random.below(1_000_000);
    const answer = { type: "generate", seed, characters: question.characters } as const;
    const deltas = generateDeltas(seed, question.characters);
    const hang = question.hangsAfterText === true ? { hangAfterLines: LINES_BEFORE_TEXT + deltas.length } : {};
    let watchers: (() => void)[] = [];
    const wake = (): void => {
      const waiting = watchers;
      watchers = [];
      for (const watcher of waiting) watcher();
    };
    const progress = { characters: 0, isOver: false };
    const view = askAsClient({
      url,
      apiKey,
      model: "sonnet",
      prompt: JSON.stringify({ standIn: { answer, ...hang, ...question.standIn }, tag }),
      plan: { stream: true, ...question.client },
      onText: (text) => {
        progress.characters += text.length;
        wake();
      },
    }).then((seen) => {
      progress.isOver = true;
      wake();
      const { text, ...rest } = seen;
      this.trace.add(`client ${number}`, `sees ${JSON.stringify({ ...rest, characters: text.length })}`);
      return seen;
    });
    const asked: Asked = {
      tag,
      deltas,
      question,
      view,
      async seen(characters) {
        while (!progress.isOver && progress.characters < characters)
          await new Promise<void>((resolve) => watchers.push(resolve));
      },
    };
    this.#asked.push(asked);
    this.#tags.push({ tag, attempts: question.attempts ?? 1 });
    return asked;
  }

  signal(agent: AgentProcess, signal: NodeJS.Signals): void {
    this.note(`${signal} to ${agent.id}`);
    agent.child.kill(signal);
  }

  /** Waits for the CLI of an agent to have been started for a request. */
  async cliStarted(agent: AgentProcess): Promise<void> {
    const deadline = performance.now() + PROCESS_CLOCKS.firstOutputMs;
    while ((await agent.orphans()).length === 0 && performance.now() < deadline) await wait(20);
  }

  /** Waits until no CLI of an agent lives. */
  async cliGone(agent: AgentProcess, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      if ((await agent.orphans()).length === 0) return;
      await wait(20);
    }
    this.problems.push(`processes ${(await agent.orphans()).join(", ")} of ${agent.id} live after ${withinMs} ms`);
  }

  /** Judges a request now, by the rows of the present proxy. */
  async settle(asked: Asked): Promise<void> {
    this.#asked = this.#asked.filter((one) => one !== asked);
    await this.#judge(asked);
  }

  /** Judges every request, ends the agents, and looks for what is left. Does nothing the second time. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const asked of this.#asked) await this.#judge(asked);
    for (const { tag, view } of this.#asked) {
      const runs = await Promise.all(this.#agents.map((agent) => agent.runsOf(tag)));
      const hasRun = runs.some((count) => count > 0);
      this.require(hasRun || (await view).kind !== "done", `[DONE] for ${tag}, which no CLI was asked`);
    }
    for (const agent of this.#agents) await this.#endAgent(agent);
    const { manager } = this.#proxy.runtime;
    await until(() => manager.status().agents.length === 0, PATIENT_GRACE_MS + PROCESS_LOST_AFTER_MS);
    const { agents, pendingRequests, queuedRequests } = manager.status();
    this.require(agents.length === 0, `the manager still has ${agents.length} agents`);
    this.require(pendingRequests + queuedRequests === 0, `${pendingRequests} requests are pending`);
  }

  async clean(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.remove()));
  }

  async #endAgent(agent: AgentProcess): Promise<void> {
    for (const { tag, attempts } of this.#tags) {
      const runs = await agent.runsOf(tag);
      this.require(runs <= attempts, `${agent.id} ran the CLI ${runs} times for ${tag}`);
    }
    if (agent.child.exitCode === null && agent.child.signalCode === null) {
      agent.child.kill("SIGCONT");
      agent.child.kill("SIGTERM");
      const code = await agent.ended(EXIT_WAIT_MS);
      this.require(code === 0, `${agent.id} ended with ${code}: ${agent.log().slice(-600)}`);
    }
    await this.cliGone(agent, ORPHAN_WAIT_MS);
  }

  async #judge({ tag, deltas, question, view: viewed }: Asked): Promise<void> {
    const view = await viewed;
    this.views.push(view);
    const problems: string[] = [];
    const whole = deltas.join("");
    if (view.kind === "broken") problems.push(view.why);
    if (!whole.startsWith(view.text)) problems.push(describeDifference(view.text, whole));
    if (view.kind === "done") {
      if (view.text !== whole) problems.push(describeDifference(view.text, whole));
      if (view.finishReason !== "stop") problems.push(`finish reason ${view.finishReason}`);
      if (view.usage?.completion_tokens !== deltas.length) problems.push(`usage ${JSON.stringify(view.usage)}`);
    }
    if (question.expects !== undefined && view.kind !== question.expects) {
      problems.push(`expected ${question.expects}, got ${JSON.stringify({ ...view, text: view.text.length })}`);
    }
    const bound = PROCESS_CLOCKS.requestMs + BOUND_MARGIN_MS + (question.client?.pause?.ms ?? 0);
    if (view.ms > bound) problems.push(`took ${Math.round(view.ms)} ms`);
    if (view.requestId !== undefined) {
      const { requestId } = view;
      await until(() => this.#rows.withId(requestId) !== undefined, 2000);
      const row = this.#rows.withId(requestId);
      problems.push(...rowProblems(view, row === undefined ? [] : [row]));
    }
    this.problems.push(...problems.map((problem) => `${tag}: ${problem}`));
  }
}
