/** How many promises wait for each other at most: more save little, and the first would wait for the work of all the others. */
const MAX_TOGETHER = 8;

/** Those who wait for the same moment: the turn's end, or (for a group that is full) at once, with another group after it. */
interface Group {
  readonly end: Promise<void>;
  readonly resolve: () => void;
  size: number;
}

let group: Group | undefined;
let tasks: (() => void)[] = [];

/**
 * Resolves when the event loop has handled all that was ready in this turn, or when seven others have asked too.
 *
 * Who is about to write to a socket and waits for it shares one go with others of the turn: the peers are woken once
 * and find several messages, and the same code runs for all of them in a row. A request at 64 connections costs a quarter
 * less CPU so, and one that is alone no more than before (docs/adr/0004-hot-path.md).
 */
export function endOfTurn(): Promise<void> {
  group ??= openGroup();
  const { end } = group;
  group.size += 1;
  if (group.size === MAX_TOGETHER) closeGroup(group);
  return end;
}

function openGroup(): Group {
  const { promise, resolve } = Promise.withResolvers<void>();
  const opened = { end: promise, resolve, size: 0 };
  setImmediate(closeGroup, opened);
  return opened;
}

/** Twice for a group that was full before the turn ended, which does nothing more. */
function closeGroup(closing: Group): void {
  if (group === closing) group = undefined;
  closing.resolve();
}

/** Runs a task at the end of this turn, after those that were given before it. A task that throws stops none of the others. */
export function atEndOfTurn(task: () => void): void {
  if (tasks.push(task) === 1) setImmediate(runTasks);
}

function runTasks(): void {
  const due = tasks;
  tasks = [];
  for (const task of due) {
    try {
      task();
    } catch (thrown) {
      // As an exception of the task's own turn would, and without a hold on the rest.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}
