/** The kinds of faults that the suite injects, and what a seed makes of them. */
import type { SeededRandom } from "../seeded-random.ts";
import { DIALECTS, type Dialect } from "./dialects.ts";

/** What befalls one POST of an agent. */
const POST_FAULTS = [
  /** Never reaches the server; the agent's connection breaks. */
  "post lost",
  /** The server gets half of the body. */
  "post cut short",
  /** The server takes it; the agent's connection breaks before the answer. */
  "answer lost",
  /** The agent gets half of the answer. */
  "answer cut short",
  /** The same bytes at the same time on another connection. */
  "post duplicated",
  /** The same bytes once more after later POSTs. */
  "post replayed late",
  /** The agent's connection breaks; the bytes arrive after a later POST. */
  "post overtaken",
  "post delayed",
  "answer delayed",
  /** Nothing passes in either direction for less than the time after which the server takes the agent for lost. */
  "line stalled, short",
  /** For longer than that. */
  "line stalled, long",
] as const;

/** What befalls one event stream. */
const STREAM_FAULTS = [
  /** Both ends break after the nth event. */
  "stream cut after an event",
  /** Both ends break in the middle of an event. */
  "stream cut within an event",
  /** The agent sees a proper end of the stream; the server sees it open. */
  "stream half closed",
  /** The server's end breaks; the agent sees it open, and silent. */
  "stream muted",
  /** Every event arrives in pieces of a few bytes. */
  "stream in small pieces",
  /** Every request and every cancel arrives again after the event that follows it. */
  "stream events repeated",
] as const;

/** What befalls the other parts of a run. */
const RUN_FAULTS = [
  "input lost",
  "agent crashed",
  /** The next process of an agent that crashed has found ends on disk and goes on as the same instance. */
  "agent restarted with its spool",
  "disk full",
  "two agents of one id",
  /** By hours, for the agents and the server. */
  "wall clock jumped",
  "client left",
  "client slow",
  /** The client reads so slowly that the server takes no more for it. */
  "agent held back",
  "cli failed before output",
  "cli failed after output",
  "cli hung",
] as const;

export const NETWORK_FAULTS = [...POST_FAULTS, ...STREAM_FAULTS, ...RUN_FAULTS, ...DIALECTS] as const;

export type PostFault = (typeof POST_FAULTS)[number];
export type StreamFault = (typeof STREAM_FAULTS)[number];
export type NetworkFault = (typeof NETWORK_FAULTS)[number];

export interface PlannedPost {
  readonly fault: PostFault;
  /** In milliseconds, where the fault has a length. */
  readonly ms: number;
  /** Whether a connection that breaks is reset rather than closed. */
  readonly reset: boolean;
}

export interface PlannedStream {
  readonly fault: StreamFault;
  /** The events that pass before it, from 1. */
  readonly afterEvents: number;
  readonly reset: boolean;
}

export interface LinePlan {
  /** By the number of the POST, from 0; those that are not in it pass. */
  readonly posts: ReadonlyMap<number, PlannedPost>;
  /** By the number of the stream, from 0. */
  readonly streams: ReadonlyMap<number, PlannedStream>;
  /** How many fetches of an input are lost before one passes. */
  readonly lostInputs: number;
  /** The version of one of its ends. */
  readonly dialect?: Dialect | undefined;
}

export interface LineTiming {
  /** Silence, and then grace, after which the server takes an agent for lost, in milliseconds. */
  readonly lostAfterMs: number;
}

/** The faults of one agent's line. At most eight POSTs and three streams are hit, so that every run comes to an end. */
export function planLine(random: SeededRandom, { lostAfterMs }: LineTiming): LinePlan {
  const posts = new Map<number, PlannedPost>();
  const density = [0, 0.06, 0.15, 0.35][random.below(4)] ?? 0;
  for (let index = 0; index < 40 && posts.size < 8; index += 1) {
    if (!random.chance(density)) continue;
    const fault = POST_FAULTS[random.below(POST_FAULTS.length)] ?? "post lost";
    posts.set(index, { fault, ms: faultLength(fault, random, lostAfterMs), reset: random.chance(0.5) });
  }
  const streams = new Map<number, PlannedStream>();
  for (let index = 0; index < 3; index += 1) {
    if (!random.chance(0.35)) continue;
    const fault = STREAM_FAULTS[random.below(STREAM_FAULTS.length)] ?? "stream muted";
    streams.set(index, { fault, afterEvents: 1 + random.below(6), reset: random.chance(0.5) });
  }
  const dialect = random.chance(0.25) ? DIALECTS[random.below(DIALECTS.length)] : undefined;
  return { posts, streams, dialect, lostInputs: random.chance(0.5) ? 1 + random.below(2) : 0 };
}

function faultLength(fault: PostFault, random: SeededRandom, lostAfterMs: number): number {
  if (fault === "line stalled, short") return 20 + random.below(Math.floor(lostAfterMs * 0.5));
  if (fault === "line stalled, long") return Math.floor(lostAfterMs * 1.3) + random.below(200);
  return 5 + random.below(120);
}
