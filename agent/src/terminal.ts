/** The display on a terminal: log lines above, and below them one live line for the connection and one per request. */
import type { AgentView } from "./agent.ts";
import type { ConnectionState } from "./connection.ts";
import { formatJsonLine, formatPlainLine, printable, type LogEntry } from "./logger.ts";

export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface Display {
  log(entry: LogEntry): void;
  /** What the live lines show may have changed. */
  refresh(): void;
  /** Takes the live lines away; log lines go on. */
  close(): void;
}

export interface DisplayOptions {
  readonly output: Output;
  readonly view: () => AgentView;
  readonly now: () => number;
  /** Whether colours may be used; see https://no-color.org. */
  readonly colour: boolean;
}

/** At most ten redraws a second; once a second for the clocks of running requests. */
const REDRAW_MS = 100;
const CLOCK_MS = 1000;

/** Live lines where `output` is a terminal, lines of JSON where it is not. */
export function createDisplay(options: DisplayOptions): Display {
  return options.output.isTTY === true ? createTerminalDisplay(options) : createJsonDisplay(options.output);
}

function createJsonDisplay(output: Output): Display {
  return { log: (entry) => void output.write(formatJsonLine(entry)), refresh: () => undefined, close: () => undefined };
}

function createTerminalDisplay({ output, view, now, colour }: DisplayOptions): Display {
  let shownLines = 0;
  let timer: NodeJS.Timeout | undefined;
  let lastDraw = -Infinity;
  let phase: "open" | "closed" = "open";

  const erase = (): string => (shownLines === 0 ? "" : `\x1b[${shownLines}A\x1b[J`);

  const draw = (above: string): void => {
    clearTimeout(timer);
    timer = undefined;
    const current = view();
    const lines = phase === "open" ? liveLines(current, now(), output.columns || 80, colour) : [];
    output.write(erase() + above + lines.map((line) => `${line}\n`).join(""));
    shownLines = lines.length;
    lastDraw = now();
    if (phase === "open" && current.jobs.some((job) => job.isActive)) schedule(CLOCK_MS);
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

/** The lines below the log, each cut to the terminal's width. Exported for its test. */
export function liveLines(view: AgentView, now: number, columns: number, colour: boolean): string[] {
  const active = view.jobs.filter((job) => job.isActive);
  const state = view.lifecycle === "draining" ? "draining" : describeConnection(view.connection);
  const head = `${state} · ${active.length} running`;
  const rows = active.map((job) => {
    const seconds = Math.max(0, Math.floor((now - job.startedAt) / 1000));
    const step = job.state.kind === "running" ? `${job.deltas} steps` : "preparing";
    return `  ${printable(job.id)}  ${printable(job.request.model)}  ${seconds} s  ${step}`;
  });
  const width = Math.max(20, columns - 1);
  const [first = "", ...rest] = [head, ...rows].map((line) => line.slice(0, width));
  return [colour ? paint(first, view.connection) : first, ...rest];
}

function describeConnection(state: ConnectionState): string {
  return state.kind === "waiting" ? `not connected: ${printable(state.reason)}` : state.kind;
}

function paint(line: string, state: ConnectionState): string {
  const code = state.kind === "connected" ? 32 : 33;
  return `\x1b[${code}m${line}\x1b[0m`;
}
