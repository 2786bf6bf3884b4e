import { startAgentTarget } from "./agent.ts";
import { startClaudeAgent, startClaudeLocal } from "./claude.ts";
import { startBareCodewise, startCodewise, startTwoWorkers } from "./codewise.ts";
import { startDirect } from "./direct.ts";
import { startFloor } from "./floor.ts";
import { startBifrost } from "./peers/bifrost.ts";
import { startLitellm } from "./peers/litellm.ts";
import { startPortkey } from "./peers/portkey.ts";
import type { StartTarget } from "./types.ts";

const starters = {
  direct: startDirect,
  floor: startFloor,
  codewise: startCodewise,
  "codewise-bare": startBareCodewise,
  "codewise-2": startTwoWorkers,
  agent: startAgentTarget,
  "claude-local": startClaudeLocal,
  "claude-agent": startClaudeAgent,
  portkey: startPortkey,
  litellm: startLitellm,
  bifrost: startBifrost,
} as const satisfies Record<string, StartTarget>;

const PEERS: ReadonlySet<TargetName> = new Set<TargetName>(["portkey", "litellm", "bifrost"]);

/** Whether it is another gateway, which runs only with `--peers`. */
export const isPeer = (name: TargetName): boolean => PEERS.has(name);

export type TargetName = keyof typeof starters;
export const TARGETS: Readonly<Record<TargetName, StartTarget>> = starters;
