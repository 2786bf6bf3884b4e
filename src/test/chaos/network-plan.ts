/** What one seed makes of a run with agents in this process. */
import { SeededRandom } from "../seeded-random.ts";
import { planLine, type LinePlan } from "./faults.ts";
import type { CliPlan } from "./seeded-cli.ts";
import type { DiskPlan } from "./seeded-spool.ts";
import { LOST_AFTER_MS } from "./settings.ts";
import type { ClientPlan } from "./wire-client.ts";

export interface RequestPlan {
  readonly model: string;
  readonly startAfterMs: number;
  readonly cli: CliPlan;
  readonly client: ClientPlan;
}

export interface AgentPlan {
  readonly id: string;
  readonly maxConcurrency: number;
  readonly line: LinePlan;
  /** Where it keeps what is not acknowledged; left out: in memory only. */
  readonly disk?: DiskPlan;
  /**
   * The agent is gone without a word after so long; another process takes its id up on a line of its own. With
   * `afterAnEnd`, only once a CLI has ended whose end the proxy cannot hear of, if one ends soon.
   */
  readonly crash?: { readonly afterMs: number; readonly afterAnEnd: boolean; readonly line: LinePlan };
  /** Another process with the same id comes after so long. */
  readonly twin?: { readonly afterMs: number; readonly line: LinePlan };
}

export interface NetworkPlan {
  /** The model pattern that both agents offer, and nobody else. */
  readonly offer: string;
  readonly agents: readonly AgentPlan[];
  readonly requests: readonly RequestPlan[];
  /** When the wall clock jumps, and by how many hours. */
  readonly clockJumps: readonly { readonly afterMs: number; readonly hours: number }[];
}

const LARGE = 2 * 1024 * 1024;
/** Over the protocol's bound for a request that goes along with its event. */
const LONG_PROMPT = 300_000;

export function planNetworkRun(seed: number): NetworkPlan {
  const random = new SeededRandom(seed * 2_654_435_761);
  const agents = ["a", "b"].map((name) => planAgent(`chaos-${seed}-${name}`, random));
  const count = 1 + random.below(3);
  const requests = Array.from({ length: count }, (_value, index) =>
    planRequest(`claude-chaos-${seed}-${index}`, random),
  );
  const jumps = random.chance(0.1) ? 1 + random.below(3) : 0;
  const clockJumps = Array.from({ length: jumps }, () => ({
    afterMs: random.below(500),
    hours: random.below(48) - 24 || 1,
  }));
  return { offer: `claude-chaos-${seed}-*`, agents, requests, clockJumps };
}

function planAgent(id: string, random: SeededRandom): AgentPlan {
  const line = (): LinePlan => planLine(random, { lostAfterMs: LOST_AFTER_MS });
  return {
    id,
    maxConcurrency: 1 + random.below(3),
    line: line(),
    ...planDisk(random),
    ...(random.chance(0.1) && {
      crash: { afterMs: random.below(400), afterAnEnd: random.chance(0.6), line: line() },
    }),
    ...(random.chance(0.05) && { twin: { afterMs: random.below(400), line: line() } }),
  };
}

function planDisk(random: SeededRandom): Pick<AgentPlan, "disk"> {
  const dice = random.next();
  if (dice < 0.2) return {};
  return { disk: dice < 0.35 ? { fullAfterBytes: random.below(20_000) } : "roomy" };
}

function planRequest(model: string, random: SeededRandom): RequestPlan {
  // Large enough, and read slowly enough, for the server to hold the agent back.
  const isBulky = random.chance(0.015);
  const characters = isBulky ? LARGE : planSize(random);
  const cli: CliPlan = {
    seed: random.below(1_000_000_000),
    characters,
    isBulky,
    deltaCharacters: characters > 50_000 ? 16_384 : 1 + random.below(200),
    paceMs: characters > 50_000 ? random.below(3) : random.below(8),
    end: planEnd(random),
    prompt: random.chance(0.04) ? `${model} ${"Grüße 🌍 ".repeat(LONG_PROMPT / 9)}` : `Answer as ${model} 🌍`,
  };
  return {
    model,
    startAfterMs: random.below(150),
    cli,
    client: isBulky ? planStall(random) : planClient(random, characters),
  };
}

function planStall(random: SeededRandom): ClientPlan {
  return { stream: true, pause: { afterBytes: 1 + random.below(100_000), ms: 500 + random.below(1000) } };
}

function planSize(random: SeededRandom): number {
  const dice = random.next();
  if (dice < 0.05) return 0;
  if (dice < 0.3) return 1 + random.below(50);
  if (dice < 0.85) return 500 + random.below(8000);
  if (dice < 0.945) return 8500 + random.below(30_000);
  if (dice < 0.995) return 100_000 + random.below(200_000);
  return LARGE - random.below(1000);
}

function planEnd(random: SeededRandom): CliPlan["end"] {
  const dice = random.next();
  if (dice < 0.05) return "fail before output";
  if (dice < 0.1) return "fail after output";
  return dice < 0.115 ? "hang" : "complete";
}

function planClient(random: SeededRandom, characters: number): ClientPlan {
  const stream = random.chance(0.85);
  const dice = random.next();
  if (dice < 0.07) return { stream, leaveAfterMs: 5 + random.below(300) };
  if (dice < 0.12 && stream) return { stream, leaveAfterBytes: 1 + random.below(2000 + characters) };
  if (dice < 0.3 && stream) {
    return { stream, pause: { afterBytes: 1 + random.below(1000 + characters), ms: 20 + random.below(400) } };
  }
  return { stream };
}
