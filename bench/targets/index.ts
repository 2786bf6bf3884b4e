import { startAgentTarget } from "./agent.ts";
import { startClaudeAgent, startClaudeLocal } from "./claude.ts";
import { startBareCodewise, startCodewise, startTwoWorkers } from "./codewise.ts";
import { startDirect } from "./direct.ts";
import { startFloor } from "./floor.ts";
import { startBifrost } from "./peers/bifrost.ts";
import { startLitellm } from "./peers/litellm.ts";
import { startPortkey } from "./peers/portkey.ts";
import type { StartTarget } from "./types.ts";

/** Other gateways: only with `--peers`. */
export const PEER_NAMES = ["portkey", "litellm", "bifrost"] as const;

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

export type TargetName = keyof typeof starters;
export const TARGETS: Readonly<Record<TargetName, StartTarget>> = starters;
