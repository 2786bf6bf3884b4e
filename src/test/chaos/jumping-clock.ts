/** A wall clock that cannot be trusted: it jumps by hours in both directions. Nothing that measures time may depend on it. */

const RealDate = Date;
const HOUR_MS = 3_600_000;

export interface JumpingClock {
  /** How far it stands from the machine's own clock, in milliseconds. */
  readonly offsetMs: number;
  /** Jumps once more. */
  jump(hours: number): void;
  restore(): void;
}

/** Puts the wall clock of this process off until it is restored; the monotonic clock and the timers stay as they are. */
export function installJumpingClock(): JumpingClock {
  let offsetMs = 0;
  const now = (): number => RealDate.now() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
    apply: () => new RealDate(now()).toString(),
    get: (target, key, receiver) => (key === "now" ? now : (Reflect.get(target, key, receiver) as unknown)),
  });
  return {
    get offsetMs() {
      return offsetMs;
    },
    jump(hours) {
      offsetMs += hours * HOUR_MS;
    },
    restore() {
      globalThis.Date = RealDate;
    },
  };
}

/** For `NODE_OPTIONS`: has a whole process live with a clock that is put on by nine hours and back by ten, over and over. */
export function jumpingClockOption(): string {
  const source = `import { installJumpingClock } from ${JSON.stringify(import.meta.url)};
    const clock = installJumpingClock(); let hours = 9;
    setInterval(() => { clock.jump(hours); hours = hours > 0 ? -10 : 9; }, 60).unref();`;
  return `--import=data:text/javascript,${encodeURIComponent(source)}`;
}
