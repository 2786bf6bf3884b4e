import { Roster, type Seat } from "../collections/roster.ts";
import type { RequestRecord } from "./record.ts";

/** A request that has not ended yet, as the dashboard shows it. */
export interface LiveRequest {
  readonly id: string;
  readonly createdAtMs: number;
  readonly keyName: string | null;
  readonly requestedModel: string;
  readonly streamed: boolean;
  /** Set when a target was chosen. */
  provider: string | null;
  servedModel: string | null;
  agentId: string | null;
  phase: "routing" | "waiting" | "streaming";
}

export type LiveChange = Partial<Pick<LiveRequest, "provider" | "servedModel" | "agentId" | "phase">>;

/** What is going on and what just ended, in memory: the dashboard's source, which works without a database. */
export class LiveRequests {
  readonly #inFlight = new Roster<LiveRequest>();
  /** What other processes have in flight, by their number. */
  readonly #reported = new Map<number, readonly LiveRequest[]>();
  /** Oldest first. */
  #recent: RequestRecord[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #recentMax: number;

  constructor(recentMax = 100) {
    this.#recentMax = recentMax;
  }

  /** Shows a request as in flight; its seat is asked for on changes and at the end. */
  start(request: LiveRequest): Seat<LiveRequest> {
    const seat = this.#inFlight.add(request);
    this.#notify();
    return seat;
  }

  update({ item }: Seat<LiveRequest>, change: LiveChange): void {
    if (change.provider !== undefined) item.provider = change.provider;
    if (change.servedModel !== undefined) item.servedModel = change.servedModel;
    if (change.agentId !== undefined) item.agentId = change.agentId;
    if (change.phase !== undefined) item.phase = change.phase;
    this.#notify();
  }

  /** Ends a request (if it was started) and puts its row first among the recent ones. */
  end(record: RequestRecord, seat?: Seat<LiveRequest>): void {
    if (seat !== undefined) this.#inFlight.remove(seat);
    this.#recent.push(record);
    // Cut back now and then: taking one from the front each time would move all the others.
    if (this.#recent.length >= 2 * this.#recentMax) this.#recent = this.#recent.slice(-this.#recentMax);
    this.#notify();
  }

  /** Takes a request away that goes on in another process. */
  forget(seat: Seat<LiveRequest>): void {
    this.#inFlight.remove(seat);
    this.#notify();
  }

  /** Takes what another process of this proxy has in flight, in place of what it had before. */
  report(source: number, requests: readonly LiveRequest[]): void {
    if (requests.length > 0) this.#reported.set(source, requests);
    else this.#reported.delete(source);
    this.#notify();
  }

  /** Oldest first. */
  inFlight(): readonly LiveRequest[] {
    return [...this.#inFlight.items(), ...this.#reportedNow()].toSorted(
      (left, right) => left.createdAtMs - right.createdAtMs,
    );
  }

  get inFlightCount(): number {
    let count = this.#inFlight.size;
    for (const requests of this.#reported.values()) count += requests.length;
    return count;
  }

  /** Newest first. */
  recent(): readonly RequestRecord[] {
    return this.#recent.slice(-this.#recentMax).reverse();
  }

  /** Fills the recent list from the log after a restart; requests that ended meanwhile stay in front. */
  preload(records: readonly RequestRecord[]): void {
    const known = new Set(this.#recent.map((record) => record.id));
    const older = records.filter((record) => !known.has(record.id)).reverse();
    this.#recent = [...older, ...this.#recent].slice(-this.#recentMax);
    this.#notify();
  }

  /** Calls back on every change; returns the unsubscriber. Listeners must be cheap and must not throw. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A report may be older than the rows that came after it. */
  #reportedNow(): readonly LiveRequest[] {
    if (this.#reported.size === 0) return [];
    const ended = new Set(this.#recent.map((record) => record.id));
    return [...this.#reported.values()].flat().filter(({ id }) => !ended.has(id));
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
