/** Has one process at a time look for a running agent and take its place. Held for moments; released by whoever took it. */
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { thisProcess } from "../spool/spool-owner.ts";

const ATTEMPTS = 200;
const RETRY_MS = 25;
/** A turn takes moments: whoever holds it for longer was stopped, or the number of a dead process was given out again. */
const MAX_TURN_MS = 60_000;

export interface StartLock {
  /** Whether it is still this one's, which it is not after having been stopped for a minute. */
  isHeld(): boolean;
  release(): void;
}

/**
 * Takes the lock at `path`, whose folder must be there; a lock that a dead process has left is removed. Undefined where
 * another process keeps it for all of 5 s. Rejects with the system's errors.
 */
export async function takeStartLock(path: string): Promise<StartLock | undefined> {
  const owner = thisProcess();
  const mark = `${owner.key} ${randomUUID()}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (isTaken(path, mark)) {
      const isHeld = (): boolean => readMark(path) === mark;
      return {
        isHeld,
        release: () => {
          if (isHeld()) rmSync(path, { force: true });
        },
      };
    }
    const held = readMark(path);
    const holder = held?.split(" ", 1)[0] ?? "";
    // At once where it is gone or was left; what is waited for is the end of a living process's turn.
    if (held !== undefined && owner.isAlive(holder) && !isOld(path)) await wait(RETRY_MS);
    else if (held !== undefined) removeLeft(path, held);
  }
  return undefined;
}

/** With its content from the first, so that nobody reads it half written. */
function isTaken(path: string, mark: string): boolean {
  const own = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(own, mark, { flag: "wx", mode: 0o600 });
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Of two that find the same lock one moves it away; whoever moves another one by that puts it back. */
function removeLeft(path: string, left: string): void {
  const moved = `${path}.${randomUUID()}.tmp`;
  try {
    renameSync(path, moved);
    if (readMark(moved) !== left) linkSync(moved, path);
  } catch {
    // Gone already, or taken anew.
  } finally {
    rmSync(moved, { force: true });
  }
}

function isOld(path: string): boolean {
  const changedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return changedAt !== undefined && Date.now() - changedAt > MAX_TURN_MS;
}

function readMark(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
