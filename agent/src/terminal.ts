/** The display on a terminal: log lines above, and below them the live view. */
import type { RunningStatus } from "./control/protocol.ts";
import { liveLines } from "./live-lines.ts";
import { formatJsonLine, formatPlainLine, type LogEntry } from "./logger.ts";

export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

export interface Display {
  log(entry: LogEntry): void;
  /** What the live view shows may have changed. */
  refresh(): void;
  /** Takes the live view away; log lines go on. */
  close(): void;
}

export interface DisplayOptions {
  readonly output: Output;
  readonly status: () => RunningStatus;
  /** The wall clock, in epoch milliseconds. */
  readonly clock: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Whether colours may be used; see https://no-color.org. */
  readonly colour: boolean;
  /** Whether the owner can answer questions by keys. */
  readonly hasKeys: boolean;
}

/** At most ten redraws a second; once a second for clocks that run; now and then for limits that reset. */
const REDRAW_MS = 100;
const CLOCK_MS = 1000;
const IDLE_MS = 15_000;

const CLEAR_TO_LINE_END = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
/** So that one line takes one row, however wide the terminal shows its characters. */
const WRAP_OFF = "\x1b[?7l";
const WRAP_ON = "\x1b[?7h";

/** Live view where `output` is a terminal, lines of JSON where it is not. */
export function createDisplay(options: DisplayOptions): Display {
  return options.output.isTTY === true ? createTerminalDisplay(options) : createJsonDisplay(options.output);
}

function createJsonDisplay(output: Output): Display {
  return { log: (entry) => void output.write(formatJsonLine(entry)), refresh: () => undefined, close: () => undefined };
}

function createTerminalDisplay({ output, status, clock, now, colour, hasKeys }: DisplayOptions): Display {
  let shownLines = 0;
  let timer: NodeJS.Timeout | undefined;
  let lastDraw = -Infinity;
  let phase: "open" | "closed" = "open";

  /** Writes over what is there instead of taking it away first, in one piece, so that nothing flickers. */
  const draw = (above: string): void => {
    clearTimeout(timer);
    timer = undefined;
    const up = shownLines === 0 ? "" : `\x1b[${shownLines}A`;
    const overwritten = above.replaceAll("\n", `${CLEAR_TO_LINE_END}\n`);
    if (phase === "closed") {
      output.write(shownLines === 0 ? above : up + overwritten + CLEAR_BELOW);
      shownLines = 0;
      return;
    }
    const current = status();
    const screen = { columns: output.columns || 80, rows: output.rows || 24, colour, hasKeys };
    const lines = liveLines(current, clock(), screen);
    const view = lines.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join("");
    output.write(`${up}${overwritten}${WRAP_OFF}${view}${WRAP_ON}${CLEAR_BELOW}`);
    shownLines = lines.length;
    lastDraw = now();
    schedule(current.requests.length > 0 ? CLOCK_MS : IDLE_MS);
  };

  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => draw(""), delayMs).unref();
  };

  return {
    log: (entry) => draw(formatPlainLine(entry)),
    refresh: () => {
      if (phase === "open") schedule(Math.max(0, lastDraw + REDRAW_MS - now()));
    },
    close: () => {
      phase = "closed";
      draw("");
    },
  };
}
