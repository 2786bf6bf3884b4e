/** The commands' side of the line to running agents. */
import { readdirSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { parseJson } from "../http-client.ts";
import {
  controlAnswerSchema,
  MAX_ANSWER,
  type ControlAnswer,
  type ControlCommand,
  type RunningStatus,
} from "./protocol.ts";

const ANSWER_MS = 5000;
const MAX_AGENTS = 64;
const ASKED_AT_ONCE = 64;

export interface RunningAgent {
  readonly address: string;
  readonly status: RunningStatus;
}

/** One command and its answer. Rejects where nobody listens, or the answer is late, too long or malformed. */
export async function askAgent(address: string, command: ControlCommand): Promise<ControlAnswer> {
  const socket = createConnection(address);
  const timer = setTimeout(() => socket.destroy(new Error("the agent does not answer")), ANSWER_MS);
  try {
    socket.setEncoding("utf8");
    socket.write(`${JSON.stringify(command)}\n`);
    let text = "";
    for await (const part of socket) {
      text += String(part);
      if (text.length > MAX_ANSWER) throw new Error("the agent's answer is too long");
    }
    const answer = controlAnswerSchema.safeParse(parseJson(text));
    if (!answer.success) throw new Error("the agent's answer is malformed: is it of another version?");
    return answer.data;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** The agents of this user that run, 64 at most. Those whose process is dead are left out, however many they are. */
export async function findAgents(folder: string): Promise<readonly RunningAgent[]> {
  const names = markers(folder);
  const found: RunningAgent[] = [];
  for (let first = 0; first < names.length && found.length < MAX_AGENTS; first += ASKED_AT_ONCE) {
    const asked = names.slice(first, first + ASKED_AT_ONCE).map((marker) => askMarked(join(folder, marker)));
    found.push(...(await Promise.all(asked)).filter((agent) => agent !== undefined));
  }
  return found.slice(0, MAX_AGENTS);
}

/** Undefined where it does not answer. */
async function askMarked(marker: string): Promise<RunningAgent | undefined> {
  try {
    const address = readFileSync(marker, "utf8");
    const answer = await askAgent(address, { command: "status" });
    return "status" in answer ? { address, status: answer.status } : undefined;
  } catch {
    return undefined;
  }
}

function markers(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".agent"))
      .toSorted();
  } catch {
    return [];
  }
}
