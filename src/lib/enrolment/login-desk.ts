import { GatewayError } from "../http/errors.ts";
import { generateDeviceCode } from "../keys/generate.ts";
import { equalHashes, hashKey } from "../keys/hash.ts";
import { createAttemptLimiter } from "../limits/attempt-limiter.ts";
import type { LoginAnswer, LoginRequest, Share } from "../agent/types-login.ts";
import { generateUserCode, normalizeUserCode } from "./user-code.ts";

export interface LoginDeskOptions {
  /** Logins that may wait for their approval at once. */
  readonly maxPending?: number;
  /** How long a login lives, in milliseconds. */
  readonly lifetimeMs?: number;
  /** Least time from one poll to the next, in milliseconds. */
  readonly intervalMs?: number;
  /** New logins of one remote address in a minute. */
  readonly maxPerMinute?: number;
  /** Wrong user codes of one source in a minute. */
  readonly maxWrongCodes?: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/** Whom a login was approved for. */
export interface Approval {
  readonly keyId: string;
  readonly share: Share;
}

/** A login that waits for its approval. */
export interface PendingLogin extends LoginRequest {
  readonly userCode: string;
  readonly remoteAddress: string;
  readonly ageMs: number;
}

/** What became of a login that is asked for. */
export type PollResult =
  | { readonly status: "pending" }
  | {
      readonly status: "approved";
      readonly agentId: string;
      readonly approval: Approval;
      /** Makes it as before the poll, where the token could not be made. */
      readonly putBack: () => void;
    };

interface Login extends LoginRequest {
  readonly deviceHash: string;
  readonly userCode: string;
  readonly remoteAddress: string;
  readonly startedAt: number;
  polledAt: number;
  verdict: Approval | "denied" | undefined;
}

/** The logins of agents that wait for somebody to approve them: in memory only, few, and for minutes. */
export class LoginDesk {
  readonly #options: Required<LoginDeskOptions>;
  readonly #logins = new Map<string, Login>();
  readonly #newLogins;
  readonly #wrongCodes;

  constructor(options: LoginDeskOptions = {}) {
    const defaults = { maxPending: 100, lifetimeMs: 600_000, intervalMs: 2000, maxPerMinute: 5, maxWrongCodes: 5 };
    this.#options = { ...defaults, now: () => performance.now(), ...options };
    const { maxPerMinute, maxWrongCodes, now } = this.#options;
    const newLogins = { maxFailures: maxPerMinute, message: "Too many logins were begun from this address." };
    const wrongCodes = { maxFailures: maxWrongCodes, message: "Too many wrong login codes." };
    this.#newLogins = createAttemptLimiter({ ...newLogins, now });
    this.#wrongCodes = createAttemptLimiter({ ...wrongCodes, now });
  }

  /**
   * Begins a login. Where as many as may be wait, the oldest one of the network that has most of them is given up, so that
   * nobody keeps all others out. Throws GatewayError `rate_limit_exceeded` (429) after too many from the network.
   */
  begin(request: LoginRequest, remoteAddress: string): LoginAnswer {
    const { now, maxPending, lifetimeMs, intervalMs } = this.#options;
    const network = networkOf(remoteAddress);
    this.#newLogins.check(network);
    this.#forgetExpired();
    if (this.#logins.size >= maxPending) this.#makeRoom();
    this.#newLogins.fail(network);
    const deviceCode = generateDeviceCode();
    let userCode = generateUserCode();
    while (this.#logins.has(userCode)) userCode = generateUserCode();
    this.#logins.set(userCode, {
      ...request,
      deviceHash: hashKey(deviceCode),
      userCode,
      remoteAddress,
      startedAt: now(),
      polledAt: Number.NEGATIVE_INFINITY,
      verdict: undefined,
    });
    return { deviceCode, userCode, expiresInMs: lifetimeMs, intervalMs };
  }

  /** The logins that wait, oldest first. */
  pending(): PendingLogin[] {
    this.#forgetExpired();
    const waiting = [...this.#logins.values()].filter(({ verdict }) => verdict === undefined);
    return waiting.map(({ agentId, version, platform, userCode, remoteAddress, startedAt }) => {
      const ageMs = Math.round(this.#options.now() - startedAt);
      return { agentId, version, platform, userCode, remoteAddress, ageMs };
    });
  }

  /**
   * The waiting login of a user code. `source` is who asks, such as a key's id: one that has named too many wrong codes is
   * turned away for a while, whatever it names. Throws GatewayError `rate_limit_exceeded` (429), or `not_found` (404).
   */
  find(userCode: string, source: string): PendingLogin {
    this.#wrongCodes.check(source);
    const code = normalizeUserCode(userCode);
    const found = this.pending().find((login) => login.userCode === code);
    if (found !== undefined) return found;
    this.#wrongCodes.fail(source);
    throw new GatewayError("not_found", "No login waits under this code: it is wrong, expired or settled already.");
  }

  /** Approves or denies the waiting login of a user code, for good. Throws as {@link LoginDesk.find}. */
  settle(userCode: string, source: string, verdict: Approval | "denied"): PendingLogin {
    const found = this.find(userCode, source);
    const login = this.#logins.get(found.userCode);
    if (login !== undefined) login.verdict = verdict;
    return found;
  }

  /**
   * What became of the login of a device code. One that was approved is handed out this once. Throws GatewayError:
   * `agent_login_ended` (410) where it was denied, has expired or was never there, `rate_limit_exceeded` (429) for a poll
   * that comes before the interval is over.
   */
  poll(deviceCode: string): PollResult {
    const { now, intervalMs } = this.#options;
    this.#forgetExpired();
    const deviceHash = hashKey(deviceCode);
    let login: Login | undefined;
    // All of them, so that the time it takes tells nothing of where a code lies.
    for (const one of this.#logins.values()) if (equalHashes(one.deviceHash, deviceHash)) login = one;
    if (login === undefined) throw ended("It has expired, was settled already or was never begun");
    const waitMs = login.polledAt + intervalMs - now();
    if (waitMs > 0) {
      throw new GatewayError("rate_limit_exceeded", "Polled before the interval was over.", { retryAfterMs: waitMs });
    }
    login.polledAt = now();
    if (login.verdict === undefined) return { status: "pending" };
    this.#logins.delete(login.userCode);
    if (login.verdict === "denied") throw ended("It was denied");
    const settled = login;
    const putBack = (): void => void this.#logins.set(settled.userCode, settled);
    return { status: "approved", agentId: login.agentId, approval: login.verdict, putBack };
  }

  #makeRoom(): void {
    const byNetwork = Map.groupBy(this.#logins.values(), ({ remoteAddress }) => networkOf(remoteAddress));
    const [most] = [...byNetwork.values()].toSorted((left, right) => right.length - left.length);
    const given = most?.find(({ verdict }) => verdict === undefined) ?? most?.[0];
    if (given !== undefined) this.#logins.delete(given.userCode);
  }

  #forgetExpired(): void {
    const { now, lifetimeMs } = this.#options;
    for (const { userCode, startedAt } of this.#logins.values()) {
      if (now() - startedAt >= lifetimeMs) this.#logins.delete(userCode);
    }
  }
}

/** What one subscriber has: an IPv4 address, or the first half of an IPv6 address. */
function networkOf(remoteAddress: string): string {
  const isIpv6 = remoteAddress.includes(":") && !remoteAddress.includes(".");
  return isIpv6 ? remoteAddress.split(":").slice(0, 4).join(":") : remoteAddress;
}

function ended(why: string): GatewayError {
  return new GatewayError("agent_login_ended", `This login is over. ${why}: begin a new one.`, { shouldRetry: false });
}
