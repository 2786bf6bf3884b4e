/** What the owner of this machine allows the agent to do, whatever the proxy asks. */
import type { AgentRequest } from "../../../src/lib/agent/types.ts";
import type { Sleep } from "../timing.ts";
import { endOfDay, isWithinHours, nextOpening, type DailyHours } from "./daily-hours.ts";
import { allowedOffers, allowsModel } from "./model-patterns.ts";
import type { PolicyState, PolicyStore } from "./policy-state.ts";
import { estimateTokens } from "./spent-tokens.ts";
import { UsageLedger, type SpentTokens } from "./usage-ledger.ts";

/** The owner's rules; what is left out is not limited. */
export interface PolicyRules {
  readonly allowModels?: readonly string[] | undefined;
  readonly maxRequestsPerHour?: number | undefined;
  readonly maxTokensPerDay?: number | undefined;
  readonly hours?: readonly DailyHours[] | undefined;
}

/** Why no request is taken now, and until when, in epoch milliseconds; undefined: until the owner resumes. */
export interface Closure {
  readonly reason: "paused" | "hours" | "tokens" | "requests";
  readonly until: number | undefined;
}

/** The reason goes to the proxy and perhaps to its client, so it tells nothing of the owner's rules. */
export interface PolicyRefusal {
  readonly code: "policy";
  readonly message: string;
}

/** A request that was let in and is counted; the first call ends it. */
export interface Admission {
  settle(spent: SpentTokens): void;
  /** It did not run, and nobody was asked in vain. */
  release(): void;
  /** Why it may not start any more: paused, or the hours are over. Limits are no reason, since its place is its own. */
  closure(): PolicyRefusal | undefined;
}

/** Times in epoch milliseconds. */
export interface PolicyView {
  readonly closure: Closure | undefined;
  readonly allowModels: readonly string[] | undefined;
  readonly hours: readonly DailyHours[] | undefined;
  readonly requests: {
    readonly used: number;
    readonly limit: number | undefined;
    readonly resetsAt: number | undefined;
  };
  readonly tokens: {
    readonly used: number;
    readonly estimated: number;
    readonly limit: number | undefined;
    readonly resetsAt: number;
  };
}

export interface PolicyOptions {
  readonly rules: PolicyRules;
  readonly store: PolicyStore;
  readonly sleep: Sleep;
  /** The wall clock, in epoch milliseconds. */
  readonly clock: () => number;
  /** Whether requests are taken may have changed. */
  readonly onChange: () => void;
}

/** How often the clock is looked at; it may be set, and the machine may have slept. */
const CHECK_MS = 15_000;
/** Held for a request whose body is fetched, by the size from which on the proxy does so. */
const FETCHED_CHARACTERS = 256 * 1024;

const CLOSED: PolicyRefusal = {
  code: "policy",
  message: "The owner of this agent does not let it take requests now.",
};

export class AgentPolicy {
  readonly #options: PolicyOptions;
  readonly #ledger: UsageLedger;
  #pause: PolicyState["pause"];
  #lastReason: Closure["reason"] | undefined;

  constructor(options: PolicyOptions) {
    this.#options = options;
    const state = options.store.load();
    this.#ledger = new UsageLedger(options.clock(), state?.ledger);
    this.#pause = state?.pause ?? null;
    this.#lastReason = this.closure?.reason;
  }

  /** Why nothing is taken now; undefined where requests are. */
  get closure(): Closure | undefined {
    const now = this.#options.clock();
    const { maxTokensPerDay, maxRequestsPerHour } = this.#options.rules;
    const byTime = this.#closureByTime(now);
    if (byTime !== undefined) return byTime;
    if (maxTokensPerDay !== undefined && this.#ledger.tokensToday(now).tokens >= maxTokensPerDay) {
      return { reason: "tokens", until: endOfDay(new Date(now)) };
    }
    if (maxRequestsPerHour !== undefined && this.#ledger.requestsInHour(now) >= maxRequestsPerHour) {
      return { reason: "requests", until: this.#ledger.belowLimitAt(now, maxRequestsPerHour) };
    }
    return undefined;
  }

  /** What closes for everything, also for what was let in. */
  #closureByTime(now: number): Closure | undefined {
    const { hours } = this.#options.rules;
    const pause = this.#presentPause(now);
    if (pause !== null) {
      return { reason: "paused", until: pause.forMs === null ? undefined : pause.at + pause.forMs };
    }
    const moment = new Date(now);
    if (hours === undefined || isWithinHours(hours, moment)) return undefined;
    return { reason: "hours", until: nextOpening(hours, moment) };
  }

  /** What may be offered of these models now, by their names on the wire. */
  offers(models: readonly string[]): readonly string[] {
    return this.closure === undefined ? this.allowed(models) : [];
  }

  /** What may be offered of these models whenever requests are taken. */
  allowed(models: readonly string[]): readonly string[] {
    const { allowModels } = this.#options.rules;
    return allowModels === undefined ? models : allowedOffers(allowModels, models);
  }

  /** Lets a request in, counting it at once, or refuses it. */
  admit(request: AgentRequest): Admission | PolicyRefusal {
    const { allowModels } = this.#options.rules;
    if (allowModels !== undefined && !allowsModel(allowModels, request.model)) {
      return { code: "policy", message: "The owner of this agent does not let it serve the model." };
    }
    if (this.closure !== undefined) return CLOSED;
    const { clock } = this.#options;
    const reservation = this.#ledger.reserve(clock(), this.#tokensToHold(request));
    this.#counted();
    return {
      settle: (spent) => {
        this.#ledger.settle(clock(), reservation, spent);
        this.#counted();
      },
      release: () => {
        this.#ledger.release(reservation);
        this.#counted();
      },
      closure: () => (this.#closureByTime(clock()) === undefined ? undefined : CLOSED),
    };
  }

  /** Nothing where no limit asks for it: a prompt may be long. */
  #tokensToHold({ body }: AgentRequest): number {
    if (this.#options.rules.maxTokensPerDay === undefined) return 0;
    return estimateTokens(body === undefined ? FETCHED_CHARACTERS : JSON.stringify(body).length);
  }

  /** Takes nothing from now on: for so many milliseconds, or until {@link resume}. What runs goes on. */
  pause(forMs: number | null): void {
    this.#pause = { at: this.#options.clock(), forMs };
    this.#save();
    this.#changed();
  }

  /** Ends a pause; hours and limits go on. */
  resume(): void {
    this.#pause = null;
    this.#save();
    this.#changed();
  }

  /** Looks at the clock now and then, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { sleep, clock, onChange } = this.#options;
    while (!signal.aborted) {
      const untilMs = (this.closure?.until ?? Infinity) - clock();
      await sleep(Math.max(50, Math.min(CHECK_MS, untilMs)), signal);
      if (!signal.aborted && this.#hasTurned()) onChange();
    }
  }

  view(): PolicyView {
    const now = this.#options.clock();
    const { allowModels, hours, maxRequestsPerHour, maxTokensPerDay } = this.#options.rules;
    const used = this.#ledger.requestsInHour(now);
    const today = this.#ledger.tokensToday(now);
    return {
      closure: this.closure,
      allowModels,
      hours,
      requests: {
        used,
        limit: maxRequestsPerHour,
        // When the oldest one leaves the hour, so that one more may come.
        resetsAt: used === 0 ? undefined : this.#ledger.belowLimitAt(now, used),
      },
      tokens: {
        used: today.tokens,
        estimated: today.estimatedTokens,
        limit: maxTokensPerDay,
        resetsAt: endOfDay(new Date(now)),
      },
    };
  }

  /** The pause where one goes on. One that lies in the future, after the clock was set back, counts as of now. */
  #presentPause(now: number): PolicyState["pause"] {
    if (this.#pause === null) return null;
    if (this.#pause.at > now) this.#pause = { ...this.#pause, at: now };
    const { at, forMs } = this.#pause;
    return forMs !== null && now >= at + forMs ? null : this.#pause;
  }

  #save(): void {
    const { store, clock, rules } = this.#options;
    const { requests, day, tokens, estimatedTokens } = this.#ledger.state(clock());
    const areTokensRead = rules.maxTokensPerDay !== undefined;
    // What no limit reads is nobody's to find on the disk.
    const ledger = {
      requests: rules.maxRequestsPerHour === undefined ? [] : requests,
      day,
      tokens: areTokensRead ? tokens : 0,
      estimatedTokens: areTokensRead ? estimatedTokens : 0,
    };
    store.save({ pause: this.#presentPause(clock()), ledger });
  }

  /** Something was counted. */
  #counted(): void {
    const { maxRequestsPerHour, maxTokensPerDay } = this.#options.rules;
    // Nothing else reads the counts, and a write to the disk is waited for.
    if (maxRequestsPerHour !== undefined || maxTokensPerDay !== undefined) this.#save();
    this.#changed();
  }

  #changed(): void {
    if (this.#hasTurned()) this.#options.onChange();
  }

  #hasTurned(): boolean {
    const reason = this.closure?.reason;
    if (reason === this.#lastReason) return false;
    this.#lastReason = reason;
    return true;
  }
}
