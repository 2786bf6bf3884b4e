/** The keys y and n on a terminal, for the question that has waited longest. */
import type { ApprovalDesk } from "./policy/approval-desk.ts";

export interface KeyInput {
  readonly isTTY?: boolean | undefined;
  setRawMode(isRaw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  off(event: "data", listener: (bytes: Uint8Array) => void): unknown;
}

export interface ApprovalKeys {
  /** Questions have come or gone. */
  refresh(): void;
  /** Gives the terminal back. */
  close(): void;
}

/** The terminal sends it for Ctrl-C where it does not make a signal of it. */
const CONTROL_C = 3;
/** Keys right after a question has come were meant for something else. */
const DEAF_MS = 300;
/** One that takes another's place, or comes soon after it, must be read first: the key was meant for that other one. */
const DEAF_AFTER_ANOTHER_MS = 2000;

/**
 * Listens to single keys while a question waits, and only then, so that the terminal is its user's at all other times.
 * `interrupt` is called for Ctrl-C, which makes no signal meanwhile.
 */
export function createApprovalKeys(
  input: KeyInput,
  desk: Pick<ApprovalDesk, "questions" | "decide">,
  interrupt: () => void,
  now: () => number,
): ApprovalKeys {
  let asked: number | undefined;
  let deafUntil = 0;

  const onData = (bytes: Uint8Array): void => {
    for (const byte of bytes) {
      if (byte === CONTROL_C) interrupt();
      const key = String.fromCharCode(byte).toLowerCase();
      if (asked === undefined || (key !== "y" && key !== "n") || now() < deafUntil) continue;
      desk.decide(asked, key === "y" ? "approved" : "denied");
      // One key is one answer, also where several come at once.
      return;
    }
  };

  const listen = (isListening: boolean): void => {
    input.setRawMode(isListening);
    if (isListening) input.on("data", onData);
    else input.off("data", onData);
    if (isListening) input.resume();
    else input.pause();
  };

  const show = (number: number | undefined): void => {
    if (number === asked) return;
    if ((number === undefined) !== (asked === undefined)) listen(number !== undefined);
    const isAnotherGone = asked !== undefined;
    asked = number;
    deafUntil = Math.max(deafUntil, now() + (isAnotherGone ? DEAF_AFTER_ANOTHER_MS : DEAF_MS));
  };

  return { refresh: () => show(desk.questions[0]?.number), close: () => show(undefined) };
}
