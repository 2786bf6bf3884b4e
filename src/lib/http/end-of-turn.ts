let turn: Promise<void> | undefined;
let tasks: (() => void)[] = [];

/**
 * Resolves when the event loop has handled all that was ready in this turn; one promise for all who ask in it.
 *
 * Who is about to write to a socket and waits for it shares one go with the others of the turn: the peers are woken once
 * and find several messages, and the same code runs for all of them in a row. A request at 64 connections costs a quarter
 * less CPU so, and one that is alone no more than before (docs/adr/0004-hot-path.md).
 */
export function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}

/** Runs a task at the end of this turn, after those that were given before it. A task that throws stops none of the others. */
export function atEndOfTurn(task: () => void): void {
  if (tasks.push(task) === 1) setImmediate(runTasks);
}

function runTasks(): void {
  const due = tasks;
  tasks = [];
  for (let index = 0; index < due.length; index += 1) {
    try {
      due[index]?.();
    } catch (thrown) {
      // As an exception of the task's own turn would, and without a hold on the rest.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}
