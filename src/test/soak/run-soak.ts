import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createdKeySchema } from "../../lib/admin/types.ts";
import { SeededRandom } from "../seeded-random.ts";
import type { Ledger } from "./ledger.ts";
import { readLoggedTokens, type LoggedTokens } from "./logged-tokens.ts";
import { drawPlan, isFault, type Plan } from "./plan.ts";
import { sampleProcess, type ProcessSample } from "./process-watch.ts";
import { startSoakAgent } from "./soak-agent.ts";
import { runPlan } from "./soak-client.ts";
import { startProgram } from "./start-program.ts";

export interface SoakOptions {
  readonly minutes: number;
  /** Requests under way at once. */
  readonly clients: number;
  readonly seed: number;
  /** Left out, the proxy uses its embedded database. */
  readonly databaseUrl: string | undefined;
  /** The file that starts the proxy. */
  readonly entry: string;
}

export interface TimedSample extends ProcessSample {
  readonly atMs: number;
}

export interface SoakResult {
  readonly seconds: number;
  readonly requests: number;
  readonly left: number;
  readonly faults: number;
  readonly violations: readonly string[];
  /** What the upstreams and the agent told, together. */
  readonly told: Pick<Ledger, "promptTokens" | "completionTokens">;
  readonly logged: LoggedTokens;
  /** Once a second under load. */
  readonly samples: readonly TimedSample[];
  /** Before the load and after it, both idle. */
  readonly idleBefore: ProcessSample;
  readonly idleAfter: ProcessSample;
  /** CPU seconds of three idle seconds, before and after: what leaked timers would use. */
  readonly idleCpuBefore: number;
  readonly idleCpuAfter: number;
  /** Connections of the proxy to the upstream that were left at the end. */
  readonly upstreamSockets: number;
  readonly latencies: readonly { readonly atMs: number; readonly latencyMs: number }[];
  readonly exitCode: number | null;
}

const ADMIN_KEY = "soak-admin-key-0123456789";
const SECRET = "soak-agent-secret-0123456789";
/** Longer than the proxy and the upstream keep an unused connection (4 and 5 s). */
const SETTLE_MS = 8000;
const IDLE_WATCH_MS = 3000;
const WARM_UP_REQUESTS = 200;

/** Runs the proxy and a mock upstream as processes under mixed traffic, and gathers what the report is made of. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const directory = mkdtempSync(join(tmpdir(), "codewise-soak-"));
  const dataDirectory = join(directory, "data");
  const upstream = await startProgram([join(import.meta.dirname, "mock-upstream.ts")], { ready: /http:\S+\n/ });
  const upstreamUrl = upstream.output().trim();
  const proxy = await startProgram([options.entry, "--no-dashboard"], {
    ready: /listens on \S+\n/,
    env: {
      PORT: "0",
      LOG_LEVEL: "error",
      AGENT_SECRET: SECRET,
      CODEWISE_ADMIN_KEY: ADMIN_KEY,
      CODEWISE_DATA_DIR: dataDirectory,
      DATABASE_URL: options.databaseUrl ?? "",
      OPENAI_API_KEY: "sk-soak",
      OPENAI_BASE_URL: `${upstreamUrl}/v1`,
      OPENAI_MODELS: "gpt-soak",
      ANTHROPIC_API_KEY: "sk-ant-soak",
      ANTHROPIC_BASE_URL: upstreamUrl,
    },
  });
  const url = /listens on (\S+)/.exec(proxy.output())?.[1] ?? "";
  const apiKey = await createKey(url);
  const soakAgent = await startSoakAgent(url, SECRET);
  const agent = new Agent({ keepAlive: true, maxSockets: options.clients * 2 });
  const random = new SeededRandom(options.seed);
  const arrived = async (plan: Plan): Promise<void> => {
    if (plan.route === "claude-cli-remote") await soakAgent.arrived(plan.id);
    else await fetch(`${upstreamUrl}/arrived/${plan.id}`);
  };
  const violations: string[] = [];
  const latencies: { atMs: number; latencyMs: number }[] = [];
  const samples: TimedSample[] = [];
  let requests = 0;
  let left = 0;
  let faults = 0;

  const work = async (isOver: () => boolean): Promise<void> => {
    while (!isOver()) {
      requests += 1;
      const plan = drawPlan(requests, random);
      if (plan.ending.startsWith("leave")) left += 1;
      if (isFault(plan)) faults += 1;
      const result = await runPlan(plan, { url, apiKey, agent, arrived });
      if (result.latencyMs !== undefined) latencies.push({ atMs: performance.now(), latencyMs: result.latencyMs });
      if (result.violation !== undefined && violations.length < 20) violations.push(result.violation);
    }
  };
  const allWork = (isOver: () => boolean): Promise<unknown> =>
    Promise.all(Array.from({ length: options.clients }, () => work(isOver)));
  const watchIdle = async (): Promise<{ sample: ProcessSample; cpu: number }> => {
    agent.destroy();
    await sleep(SETTLE_MS);
    const first = sampleProcess(proxy.pid);
    await sleep(IDLE_WATCH_MS);
    const sample = sampleProcess(proxy.pid);
    return { sample, cpu: sample.cpuSeconds - first.cpuSeconds };
  };

  try {
    await allWork(() => requests >= WARM_UP_REQUESTS);
    const before = await watchIdle();
    const startedAt = performance.now();
    const sampler = setInterval(() => samples.push({ atMs: performance.now(), ...sampleProcess(proxy.pid) }), 1000);
    await allWork(() => performance.now() - startedAt > options.minutes * 60_000);
    clearInterval(sampler);
    const seconds = (performance.now() - startedAt) / 1000;
    const after = await watchIdle();
    const upstreamSockets = Number(await (await fetch(`${upstreamUrl}/sockets`)).text());
    const ledger = (await (await fetch(`${upstreamUrl}/ledger`)).json()) as Ledger;
    const ofAgent = soakAgent.ledger();
    await soakAgent.stop();
    const exitCode = await proxy.stop();
    const logged = await readLoggedTokens({ databaseUrl: options.databaseUrl, dataDirectory });
    return {
      seconds,
      requests,
      left,
      faults,
      violations,
      told: {
        promptTokens: ledger.promptTokens + ofAgent.promptTokens,
        completionTokens: ledger.completionTokens + ofAgent.completionTokens,
      },
      logged,
      samples,
      idleBefore: before.sample,
      idleAfter: after.sample,
      idleCpuBefore: before.cpu,
      idleCpuAfter: after.cpu,
      upstreamSockets,
      latencies,
      exitCode,
    };
  } finally {
    await Promise.allSettled([proxy.stop(), upstream.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function createKey(url: string): Promise<string> {
  const answer = await fetch(`${url}/api/admin/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "soak" }),
  });
  return createdKeySchema.parse(await answer.json()).key;
}
