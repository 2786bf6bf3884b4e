/** The properties that must hold for every request, whatever befell it. */
import type { RequestRecord } from "../../lib/usage/record.ts";
import type { CliRun } from "./seeded-cli.ts";
import type { ClientView } from "./wire-client.ts";

/** A row, as far as it must agree with what the client saw. */
export type SeenRow = Pick<RequestRecord, "status" | "errorCode" | "clientGone" | "completionTokens">;

/** What is wrong between a client and the row of its request; empty when they agree. */
export function rowProblems(view: ClientView, rows: readonly SeenRow[]): string[] {
  const [row] = rows;
  // Who leaves before the request is read leaves a row without a model.
  if (row === undefined && view.kind === "left" && view.text === "") return [];
  if (row === undefined || rows.length > 1) return [`${rows.length} rows instead of one`];
  const told = `status ${row.status}, code ${row.errorCode}, gone ${row.clientGone}`;
  switch (view.kind) {
    case "done":
      if (row.status !== 200 || row.errorCode !== null || row.clientGone) return [`done, but the row says ${told}`];
      return row.completionTokens === (view.usage?.completion_tokens ?? null) ? [] : ["the row counts other tokens"];
    case "http error":
      return row.status === view.status && row.errorCode === view.code && !row.clientGone
        ? []
        : [`HTTP ${view.status} ${view.code}, but the row says ${told}`];
    case "error frame":
      return row.errorCode === view.code && row.status >= 400 && !row.clientGone
        ? []
        : [`error frame ${view.code}, but the row says ${told}`];
    case "left":
      // It may have been served, or have failed, before the server could notice.
      return row.clientGone === (row.status === 499) ? [] : [`left, but the row says ${told}`];
    default:
      return [];
  }
}

/** What is wrong between a client and the runs of the CLI for its request. */
export function textProblems(view: ClientView, runs: readonly CliRun[]): string[] {
  const problems = runs.filter(({ gotItsPrompt }) => !gotItsPrompt).map(() => "the CLI was given another prompt");
  if (view.kind === "broken") return [...problems, view.why];
  if (view.kind !== "done") {
    const isBeginning = view.text === "" || runs.some(({ text }) => text.startsWith(view.text));
    return isBeginning ? problems : [...problems, "what came before the failure is not the beginning of a run's text"];
  }
  const sources = runs.filter(({ outcome }) => outcome?.usage?.prompt_tokens === view.usage?.prompt_tokens);
  const [source] = sources;
  if (source === undefined || sources.length > 1 || source.end !== "complete") {
    return [...problems, `[DONE] without a complete run (runs: ${runs.map(({ end }) => end).join(", ") || "none"})`];
  }
  if (view.text !== source.text) problems.push(describeDifference(view.text, source.text));
  if (view.finishReason !== source.outcome?.finishReason) problems.push(`finish reason ${view.finishReason}`);
  if (view.usage?.completion_tokens !== source.outcome?.usage?.completion_tokens) problems.push("usage differs");
  return problems;
}

/**
 * More than one run of one attempt, by whatever agents. That is allowed only after the first was given up and its CLI
 * killed while the server did not know: by an agent that was cut off for longer than the grace, or with its process.
 * `repeats` counts these.
 */
export function overlapProblems(runs: readonly CliRun[]): { readonly problems: string[]; readonly repeats: number } {
  const problems: string[] = [];
  const last = new Map<string, CliRun>();
  let repeats = 0;
  for (const run of runs) {
    const key = `${run.requestId} attempt ${run.attempt}`;
    if (run.attempt === 0) problems.push(`a CLI for no attempt, ${key} on ${run.agent}`);
    const earlier = last.get(key);
    last.set(key, run);
    if (earlier === undefined) continue;
    if ((earlier.endedAt ?? Infinity) > run.startedAt) problems.push(`two CLIs at once for ${key}`);
    else if (!earlier.isGivenUp) problems.push(`a second CLI for one attempt, ${key}`);
    else repeats += 1;
  }
  return { problems, repeats };
}

/** Where two texts part, in few words. */
export function describeDifference(got: string, expected: string): string {
  let at = 0;
  while (at < got.length && got[at] === expected[at]) at += 1;
  return `SILENT LOSS: ${got.length} characters instead of ${expected.length}, different from ${at} on`;
}
