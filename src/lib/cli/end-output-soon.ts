import type { ProcessGroup } from "./process-group.ts";

/** Bounds the wait for the end of the output when a process that left the group still holds the pipe. */
export function endOutputSoon(group: Pick<ProcessGroup, "stdout">, isPaused: () => boolean, lingerMs: number): void {
  const timer = setTimeout(() => {
    if (isPaused()) endOutputSoon(group, isPaused, lingerMs);
    else group.stdout.destroy();
  }, lingerMs);
  timer.unref();
  group.stdout.once("close", () => clearTimeout(timer));
}
