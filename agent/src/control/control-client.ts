/** The commands' side of the line to running agents. */
import { readdirSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { describeFailure, parseJson } from "../http-client.ts";
import { printable } from "../logger.ts";
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

export interface FoundAgents {
  readonly agents: readonly RunningAgent[];
  /** Why others that are there could not be understood, one line each. */
  readonly problems: readonly string[];
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
export async function findAgents(folder: string): Promise<FoundAgents> {
  const names = markers(folder);
  const found: (RunningAgent | { readonly problem: string })[] = [];
  for (let first = 0; first < names.length && found.length < MAX_AGENTS; first += ASKED_AT_ONCE) {
    const asked = names.slice(first, first + ASKED_AT_ONCE).map((marker) => askMarked(join(folder, marker)));
    found.push(...(await Promise.all(asked)).filter((agent) => agent !== undefined));
  }
  const listed = found.slice(0, MAX_AGENTS);
  return {
    agents: listed.filter((agent) => "status" in agent),
    problems: listed.flatMap((agent) => ("problem" in agent ? [agent.problem] : [])),
  };
}

/** Undefined where nobody listens. */
async function askMarked(marker: string): Promise<RunningAgent | { readonly problem: string } | undefined> {
  const address = readMarker(marker);
  if (address === undefined) return undefined;
  const problem = (reason: string) => ({
    problem: `an agent runs here that cannot be understood: ${reason} (${printable(address)})`,
  });
  try {
    const answer = await askAgent(address, { command: "status" });
    return "status" in answer ? { address, status: answer.status } : problem(printable(answer.refusal).slice(0, 200));
  } catch (error) {
    return isNobody(error) ? undefined : problem(describeFailure(error));
  }
}

function readMarker(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Whether a connection failed because its other end is gone, as after a kill. */
function isNobody(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNREFUSED" || error.code === "ENOENT");
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
