/** How many requests this agent took lately, and how many tokens they used today: what its limits are compared with. */
import { z } from "zod";
import { dayOf } from "./daily-hours.ts";

const HOUR_MS = 60 * 60_000;
/** More than the highest limit of requests needs never be remembered. */
export const MAX_REMEMBERED = 10_000;

/** As it is kept over a restart. Times in epoch milliseconds; `day` by local time, such as `2026-11-25`. */
export const ledgerStateSchema = z.object({
  requests: z.array(z.int().nonnegative()).max(MAX_REMEMBERED),
  day: z.iso.date(),
  /** What runs is in it by its estimate, so that a crash forgets nothing. */
  tokens: z.int().nonnegative(),
  /** The part of `tokens` that no CLI has told. */
  estimatedTokens: z.int().nonnegative(),
});
export type LedgerState = z.infer<typeof ledgerStateSchema>;

/** What one request used. */
export interface SpentTokens {
  readonly tokens: number;
  readonly isEstimate: boolean;
}

interface Entry {
  at: number;
}

/** A request that was counted when it was taken; to be settled or released once. */
export interface Reservation {
  readonly entry: object;
  readonly tokens: number;
}

/**
 * Counts within a sliding hour and a local day by the wall clock, which its owner may set. Set back: what lies in the future
 * counts as of now, and the tokens of a later day count for today, so that nothing is unlocked, and nothing is locked for
 * longer than an hour or the day. Set forward: what is over by the new time is over.
 */
export class UsageLedger {
  #requests: Entry[];
  #day: string;
  #tokens: number;
  #estimatedTokens: number;
  readonly #open = new Set<Reservation>();

  constructor(now: number, state?: LedgerState) {
    this.#requests = (state?.requests ?? []).map((at) => ({ at }));
    this.#day = state?.day ?? dayOf(new Date(now));
    this.#tokens = state?.tokens ?? 0;
    this.#estimatedTokens = state?.estimatedTokens ?? 0;
    this.#roll(now);
  }

  /** Counts a request at once; `tokens` are held for it until it has ended. */
  reserve(now: number, tokens: number): Reservation {
    this.#roll(now);
    const entry: Entry = { at: now };
    this.#requests.push(entry);
    if (this.#requests.length > MAX_REMEMBERED) this.#requests.shift();
    const reservation = { entry, tokens };
    this.#open.add(reservation);
    return reservation;
  }

  /** It has ended. Without effect the second time. */
  settle(now: number, reservation: Reservation, spent: SpentTokens): void {
    if (!this.#open.delete(reservation)) return;
    this.#roll(now);
    this.#tokens += spent.tokens;
    if (spent.isEstimate) this.#estimatedTokens += spent.tokens;
  }

  /** It did not run after all. Without effect the second time. */
  release(reservation: Reservation): void {
    if (!this.#open.delete(reservation)) return;
    this.#requests = this.#requests.filter((entry) => entry !== reservation.entry);
  }

  requestsInHour(now: number): number {
    this.#roll(now);
    return this.#requests.length;
  }

  /** When fewer than `limit` requests lie within the hour, in epoch milliseconds; `now` where that is so already. */
  belowLimitAt(now: number, limit: number): number {
    this.#roll(now);
    const last = this.#requests[this.#requests.length - limit];
    return last === undefined ? now : last.at + HOUR_MS;
  }

  /** Tokens of today, those held for what runs included. */
  tokensToday(now: number): { readonly tokens: number; readonly estimatedTokens: number } {
    this.#roll(now);
    const held = [...this.#open].reduce((sum, { tokens }) => sum + tokens, 0);
    return { tokens: this.#tokens + held, estimatedTokens: this.#estimatedTokens + held };
  }

  state(now: number): LedgerState {
    const { tokens, estimatedTokens } = this.tokensToday(now);
    return { requests: this.#requests.map(({ at }) => at), day: this.#day, tokens, estimatedTokens };
  }

  #roll(now: number): void {
    for (const entry of this.#requests) entry.at = Math.min(entry.at, now);
    this.#requests = this.#requests.filter(({ at }) => at > now - HOUR_MS);
    const today = dayOf(new Date(now));
    if (today > this.#day) [this.#tokens, this.#estimatedTokens] = [0, 0];
    this.#day = today;
  }
}
