import { describeOutcome, type Observed, type Outcome } from "./outcome.ts";

/** A fault as the table has it, whoever's it is. */
export interface ListedFault {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
}

export interface FaultTable {
  readonly provider: string;
  /** Under the provider's heading. */
  readonly intro: string;
  readonly groups: readonly { readonly heading: string; readonly faults: readonly ListedFault[] }[];
}

const HEADER = ["fault", "streamed: the client gets", "row", "not streamed: the client gets", "row"] as const;
const ABSENT = "–";

/** The section of one provider: a table per group, with what was observed, and the notes below them. */
export function renderProvider(table: FaultTable, observed: readonly Observed[]): string {
  const notes: string[] = [];
  const noteFor = (text: string): string => {
    if (!notes.includes(text)) notes.push(text);
    return ` (${notes.indexOf(text) + 1})`;
  };
  const find = (faultId: string, mode: string): Observed | undefined =>
    observed.find(({ run }) => run.provider === table.provider && run.faultId === faultId && run.mode === mode);

  const groups = table.groups.flatMap(({ heading, faults }) => {
    const rows = faults.flatMap((fault) => {
      const streamed = find(fault.id, "streamed");
      const whole = find(fault.id, "whole");
      if (streamed === undefined && whole === undefined) return [];
      const title = `${fault.title}${fault.note === undefined ? "" : noteFor(fault.note)}`;
      return [[title, ...renderOutcome(streamed), ...renderOutcome(whole)]];
    });
    return rows.length === 0 ? [] : [`### ${heading}`, renderTable([[...HEADER], ...rows])];
  });
  const list = notes.map((note, index) => `${index + 1}. ${note}`).join("\n");
  return [`## \`${table.provider}\``, table.intro, ...groups, ...(notes.length === 0 ? [] : ["Notes:", list])].join(
    "\n\n",
  );
}

function renderOutcome(observed: Observed | undefined): [string, string] {
  if (observed === undefined) return [ABSENT, ABSENT];
  const { client, row } = describeOutcome(observed);
  return [renderClient(client), `${row.status}, ${row.tokens === "unknown" ? "no" : row.tokens} tokens`];
}

function renderClient(client: Outcome["client"]): string {
  switch (client.gets) {
    case "answer":
      return "the whole answer";
    case "status": {
      const wait = client.retryAfterMs === undefined ? "" : `, wait ${client.retryAfterMs} ms`;
      const retry = client.shouldRetry === undefined ? "" : `, \`x-should-retry: ${client.shouldRetry}\``;
      return `**${client.status}** \`${client.code}\`${wait}${retry}`;
    }
    case "error frame": {
      const text = { none: "no text", begun: "the text so far", all: "all text" }[client.text];
      return `${text}, then an error frame: \`${client.code}\``;
    }
    case "something else":
      return client.what;
    default:
      return client satisfies never;
  }
}

/** Columns padded to one width, as the formatter writes them. */
function renderTable([header = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}
