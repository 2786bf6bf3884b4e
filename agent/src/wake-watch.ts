/** Milliseconds of the wall's clock, and of one that stands still while the machine sleeps. */
export interface Clocks {
  readonly wall: () => number;
  readonly awake: () => number;
}

const CHECK_MS = 2000;
/** So much that the two clocks do not drift apart within one check by themselves. */
const JUMP_MS = 5000;

const SYSTEM_CLOCKS: Clocks = { wall: () => Date.now(), awake: () => performance.now() };

/**
 * Calls back within two seconds of the end of a sleep: the machine's monotonic clock stands still meanwhile (CLOCK_MONOTONIC on
 * Linux, mach_absolute_time on macOS), so no timer notices it, and connections that stood before may be dead without a word.
 * A wall clock that is set forward looks the same; what is done then must do no harm. The answer ends the watch.
 */
export function watchForWake(onWake: () => void, clocks: Clocks = SYSTEM_CLOCKS): () => void {
  const apart = (): number => clocks.wall() - clocks.awake();
  let last = apart();
  const timer = setInterval(() => {
    const now = apart();
    const jump = now - last;
    last = now;
    if (jump > JUMP_MS) onWake();
  }, CHECK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
