/** The lines of the live view: pure, so that they can be tested as text. */
import type { RunningStatus } from "./control/protocol.ts";
import { describeLimits, describePresent, describeTotals, secondsLeft } from "./control/running-status.ts";
import { firstCharacters } from "./first-characters.ts";
import { printable } from "./logger.ts";
import { quotedModel } from "./model-display.ts";

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Whether colours may be used; see https://no-color.org. */
  readonly colour: boolean;
  /** Whether the owner can answer by keys. */
  readonly hasKeys: boolean;
}

const GREEN = 32;
const YELLOW = 33;

/**
 * Connection, totals, the owner's rules, what runs and what waits for approval, cut to the screen. `now`: the wall clock, in
 * epoch milliseconds.
 */
export function liveLines(status: RunningStatus, now: number, screen: Screen): readonly string[] {
  const { connection, lifecycle, requests, questions, closure } = status;
  const state = lifecycle === "draining" ? "draining" : describeConnection(connection);
  const head = `${state} · ${describePresent(status)} · ${describeTotals(status)}`;
  const isWell = connection.state === "connected" && closure === null && questions.length === 0;
  const rows = [
    // What asks for the owner goes first, since what finds no room is left out from the end.
    ...questions.flatMap((question, index) => questionLines(question, now, index === 0 ? screen.hasKeys : undefined)),
    ...describeLimits(status, now).map((line) => `  ${line}`),
    ...requests.map(
      ({ requestId, model, ageMs, deltas, state: step }) =>
        `  ${requestId}  ${quotedModel(model)}  ${Math.floor(ageMs / 1000)} s  ${step === "running" ? `${deltas} steps` : step}`,
    ),
  ];
  const width = Math.max(20, screen.columns - 1);
  const [first = "", ...rest] = fitRows([head, ...rows], Math.max(3, screen.rows - 1)).map((line) => cut(line, width));
  return [screen.colour ? paint(first, isWell ? GREEN : YELLOW) : first, ...rest];
}

/** `hasKeys`: undefined for a question that must wait for its turn. */
function questionLines(
  { number, model, characters, preview, expiresAt }: RunningStatus["questions"][number],
  now: number,
  hasKeys: boolean | undefined,
): readonly string[] {
  const seconds = secondsLeft(expiresAt, now);
  const lines = [`? ${number}  ${characters} characters  ${seconds} s left  ${quotedModel(model)}`, `    ${preview}`];
  if (hasKeys === undefined) return lines;
  const how = hasKeys ? `y: run it   n: refuse it` : `codewise-agent approve ${number}, or deny ${number}`;
  return [...lines, `    ${how}`];
}

function describeConnection({ state, reason }: RunningStatus["connection"]): string {
  return reason === null ? state : `not connected: ${reason}`;
}

/** The cursor goes back over these lines, which it cannot beyond the screen's top. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  return [...lines.slice(0, rows - 1), `  … and ${lines.length - rows + 1} lines more`];
}

/** By whole characters; those of double width are clipped by the terminal, which does not wrap these lines. */
function cut(line: string, width: number): string {
  return firstCharacters(printable(line), width);
}

function paint(line: string, code: number): string {
  return `\x1b[${code}m${line}\x1b[0m`;
}
