/** One run: two agents in this process behind faulty lines, some clients, one proxy that all runs share. */
import { setTimeout as wait } from "node:timers/promises";
import { CodewiseAgent, type AgentEnd } from "../../../agent/src/agent.ts";
import { createProxyClient } from "../../../agent/src/http-client.ts";
import { silentLogger, type LogFunction } from "../../../agent/src/logger.ts";
import { sleep, type Sleep } from "../../../agent/src/timing.ts";
import { TEST_AGENT_SECRET, type ProxyHarness } from "../proxy-harness.ts";
import { SeededRandom } from "../seeded-random.ts";
import { createFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import type { LinePlan, NetworkFault } from "./faults.ts";
import { planNetworkRun, type AgentPlan, type NetworkPlan, type RequestPlan } from "./network-plan.ts";
import type { JumpingClock } from "./jumping-clock.ts";
import type { RowBook } from "./row-book.ts";
import { SeededCli, type CliPlan, type CliRun } from "./seeded-cli.ts";
import { SpoolShelf } from "./seeded-spool.ts";
import { BOUND_MARGIN_MS, CLOCKS, LOST_AFTER_MS, until } from "./settings.ts";
import { Trace } from "./trace.ts";
import { overlapProblems, rowProblems, textProblems } from "./verify.ts";
import { askAsClient, type ClientView } from "./wire-client.ts";

export interface RunContext {
  readonly proxy: ProxyHarness;
  readonly rows: RowBook;
  readonly clock: JumpingClock;
  readonly onFault: (fault: NetworkFault) => void;
  /** Ends that need not be awaited by the run itself. */
  readonly leftovers: Promise<unknown>[];
}

export interface RunReport {
  readonly views: readonly ClientView[];
  readonly problems: readonly string[];
  readonly repeats: number;
  readonly report: string;
}

interface LiveAgent {
  readonly id: string;
  readonly name: string;
  readonly die: (() => void) | undefined;
  readonly agent: CodewiseAgent;
  readonly ended: Promise<AgentEnd>;
  readonly line: FaultProxy;
  readonly cli: SeededCli;
}

/** The agent's waits are those of a long life, seconds and minutes; here a second takes 40 ms. */
const HURRY = 0.04;
const hurriedSleep: Sleep = (ms, signal) => sleep(ms * HURRY, signal);
/** What the agent's log says of a request that it has given up by itself. */
const GIVEN_UP = "the connection was away";
const READY_WAIT_MS = 20_000;
const ROW_WAIT_MS = 3000;
const DRAIN_WAIT_MS = 10_000;

/** Plays a seed to its end and says what was wrong with it. */
export async function playNetworkRun(seed: number, context: RunContext): Promise<RunReport> {
  const run = new NetworkRun(seed, context);
  return await run.play();
}

class NetworkRun {
  readonly #seed: number;
  readonly #context: RunContext;
  readonly #plan: NetworkPlan;
  readonly #trace = new Trace();
  readonly #runs: CliRun[] = [];
  readonly #cliPlans: ReadonlyMap<string, CliPlan>;
  /** Those that have not crashed. */
  readonly #agents = new Set<LiveAgent>();
  readonly #shelf = new SpoolShelf(() => this.#fault("disk full", "disk", "a write"));
  readonly #random: SeededRandom;
  #starts = 0;

  constructor(seed: number, context: RunContext) {
    this.#seed = seed;
    this.#context = context;
    this.#plan = planNetworkRun(seed);
    this.#random = new SeededRandom(seed);
    this.#cliPlans = new Map(this.#plan.requests.map(({ model, cli }) => [model, cli]));
  }

  async play(): Promise<RunReport> {
    const { agents, requests } = this.#plan;
    await Promise.all(agents.map((plan) => this.#start(plan, plan.line)));
    const isReady = await until(() => this.#status().some(({ state }) => state === "ready"), READY_WAIT_MS);
    const problems = isReady ? [] : ["no agent became ready"];
    const over = new AbortController();
    const crashes = [
      ...agents.map((plan) => this.#crash(plan, over.signal)),
      ...agents.map((plan) => this.#twin(plan, over.signal)),
      this.#jumpClock(over.signal),
    ];
    const views = await Promise.all(requests.map((request) => this.#ask(request)));
    over.abort();
    await Promise.all(crashes);
    for (const [index, request] of requests.entries()) problems.push(...(await this.#judge(request, views[index])));
    problems.push(...(await this.#end()));
    const { problems: overlaps, repeats } = overlapProblems(this.#runs);
    problems.push(...overlaps);
    return { views, problems, repeats, report: this.#trace.report(this.#seed, problems) };
  }

  #status() {
    const ids = new Set(this.#plan.agents.map(({ id }) => id));
    return this.#context.proxy.runtime.manager.status().agents.filter(({ id }) => ids.has(id));
  }

  #fault(fault: NetworkFault, who: string, detail: string): void {
    this.#trace.add(who, `FAULT ${fault}: ${detail}`);
    this.#context.onFault(fault);
  }

  async #start(plan: AgentPlan, linePlan: LinePlan): Promise<void> {
    this.#starts += 1;
    const name = `${plan.id}#${this.#starts}`;
    const port = Number(new URL(this.#context.proxy.url).port);
    const onFault = (fault: NetworkFault, detail: string): void => this.#fault(fault, name, detail);
    const line = await createFaultProxy({ port, plan: linePlan, onFault });
    const attempts = new Map<string, number>();
    const cli = new SeededCli({
      attemptOf: (requestId) => attempts.get(requestId) ?? 0,
      agent: name,
      offer: this.#plan.offer,
      plans: this.#cliPlans,
      runs: this.#runs,
      onFault,
    });
    const log: LogFunction = (message, fields = {}) => {
      if (String(fields["reason"]).includes("another agent with this id")) onFault("two agents of one id", message);
      this.#trace.add(name, `${message} ${JSON.stringify(fields)}`);
      if (message === "request started") attempts.set(String(fields["requestId"]), Number(fields["attempt"]));
      const run = this.#runs.findLast((one) => one.agent === name && one.requestId === fields["requestId"]);
      if (run !== undefined && String(fields["why"]).includes(GIVEN_UP)) run.isGivenUp = true;
    };
    const logger = { ...silentLogger, error: log, warn: log, info: log };
    const kept =
      plan.disk === undefined ? undefined : this.#shelf.open(plan.id, this.#context.proxy.url, plan.disk, logger);
    const recovered = kept?.spool.recovered ?? [];
    if (recovered.length > 0)
      onFault("agent restarted with its spool", recovered.map(({ requestId }) => requestId).join());
    const agent = new CodewiseAgent({
      client: createProxyClient({
        url: line.url,
        secret: TEST_AGENT_SECRET,
        agentId: plan.id,
        instance: kept?.spool.instance,
      }),
      spool: kept?.spool,
      executors: [cli],
      logger,
      maxConcurrency: plan.maxConcurrency,
      drainTimeoutMs: DRAIN_WAIT_MS / HURRY,
      sleep: hurriedSleep,
      random: () => this.#random.next(),
      now: () => performance.now(),
    });
    this.#agents.add({ id: plan.id, name, agent, ended: agent.run(), line, cli, die: kept?.die });
  }

  async #crash(plan: AgentPlan, over: AbortSignal): Promise<void> {
    const { id, crash } = plan;
    if (crash === undefined) return;
    await sleep(crash.afterMs, over);
    const victim = [...this.#agents].find((agent) => agent.id === id);
    if (over.aborted || victim === undefined) return;
    if (crash.afterAnEnd) await this.#cutUntilAnEnd(victim, over);
    if (over.aborted) return;
    this.#fault("agent crashed", victim.name, `after ${crash.afterMs} ms`);
    this.#agents.delete(victim);
    victim.die?.();
    // What it ran or had run is nobody's any more: the proxy may ask for it again.
    for (const run of this.#runs) if (run.agent === victim.name) run.isGivenUp = true;
    victim.line.kill();
    await victim.cli.killAll();
    victim.agent.drain("crash");
    this.#context.leftovers.push(victim.ended.then(() => victim.line.close()));
    await this.#start(plan, crash.line);
  }

  async #cutUntilAnEnd(victim: LiveAgent, over: AbortSignal): Promise<void> {
    const ends = (): number =>
      this.#runs.filter(({ agent, end }) => agent === victim.name && end === "complete").length;
    const before = ends();
    victim.line.cutPosts(true);
    await until(() => over.aborted || ends() > before, 1500);
    victim.line.cutPosts(false);
  }

  async #twin(plan: AgentPlan, over: AbortSignal): Promise<void> {
    if (plan.twin === undefined) return;
    await sleep(plan.twin.afterMs, over);
    if (!over.aborted) await this.#start(plan, plan.twin.line);
  }

  async #jumpClock(over: AbortSignal): Promise<void> {
    for (const { afterMs, hours } of this.#plan.clockJumps) {
      await sleep(afterMs, over);
      if (over.aborted) return;
      this.#fault("wall clock jumped", "clock", `${hours} hours`);
      this.#context.clock.jump(hours);
    }
  }

  async #ask({ model, startAfterMs, cli, client }: RequestPlan): Promise<ClientView> {
    await wait(startAfterMs);
    const { url, apiKey } = this.#context.proxy;
    this.#trace.add(model, `asks ${JSON.stringify({ ...client, characters: cli.characters, end: cli.end })}`);
    const view = await askAsClient({
      url,
      apiKey,
      model,
      prompt: cli.prompt,
      plan: client,
      onPause: () => this.#fault("client slow", model, JSON.stringify(client.pause)),
    });
    if (view.kind === "left") this.#fault("client left", model, JSON.stringify(client));
    const { text, ...rest } = view;
    this.#trace.add(model, `sees ${JSON.stringify({ ...rest, characters: text.length })}`);
    return view;
  }

  async #judge(request: RequestPlan, view: ClientView | undefined): Promise<string[]> {
    const { model, client } = request;
    if (view === undefined) return [`${model} has no view`];
    const rows = this.#context.rows;
    await until(() => rows.of(model).length > 0, view.kind === "left" ? ROW_WAIT_MS / 3 : ROW_WAIT_MS);
    const runs = this.#runs.filter((run) => run.model === model);
    const problems = [...textProblems(view, runs), ...rowProblems(view, rows.of(model))];
    const boundMs = CLOCKS.requestMs + (client.pause?.ms ?? 0) + BOUND_MARGIN_MS;
    if (view.ms > boundMs) problems.push(`took ${Math.round(view.ms)} ms`);
    return problems.map((problem) => `${model}: ${problem}`);
  }

  /** Lets the agents drain over lines without faults; nothing of the run may be left anywhere. */
  async #end(): Promise<string[]> {
    const problems: string[] = [];
    const agents = [...this.#agents];
    for (const { line } of agents) line.calm();
    for (const { agent } of agents) agent.drain("the run is over");
    const ends = Promise.all(agents.map(({ ended }) => ended));
    const timeout = wait(DRAIN_WAIT_MS, "late" as const, { ref: false });
    if ((await Promise.race([ends, timeout])) === "late") problems.push("an agent does not end");
    for (const { cli } of agents) if (cli.running() > 0) problems.push(`${cli.running()} CLIs still run`);
    await Promise.all(agents.map(({ line }) => line.close()));
    // What an agent could not deliver before it had to stop is left for its next process.
    const undelivered = agents.reduce((sum, { agent }) => sum + agent.view().jobs.length, 0);
    const kept = this.#shelf.files().length;
    if (kept > undelivered) problems.push(`${kept} files are left on disk for ${undelivered} answers`);
    this.#shelf.remove();
    const { live } = this.#context.proxy.runtime;
    const isGone = await until(() => this.#status().length === 0, LOST_AFTER_MS + 1500);
    if (!isGone) problems.push(`the manager still has ${JSON.stringify(this.#status())}`);
    const inFlight = live.inFlight().filter(({ requestedModel }) => this.#cliPlans.has(requestedModel));
    if (inFlight.length > 0) problems.push(`${inFlight.length} requests are still in flight`);
    return problems;
  }
}
