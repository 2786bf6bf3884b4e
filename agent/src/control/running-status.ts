/** What a running agent tells of itself, and how a person reads it. */
import type { AgentView } from "../agent.ts";
import { printable } from "../logger.ts";
import { plainModel, quotedModel } from "../model-display.ts";
import type { PolicyView } from "../policy/agent-policy.ts";
import type { Question } from "../policy/approval-desk.ts";
import { formatHours } from "../policy/daily-hours.ts";
import { AGENT_VERSION } from "../version.ts";
import type { RunningStatus } from "./protocol.ts";

/** What does not change while the process runs. `startedAt` in epoch milliseconds. */
export interface ProcessFacts {
  readonly pid: number;
  readonly agentId: string;
  readonly url: string;
  readonly startedAt: number;
}

/** More of them are only counted: a CLI may have dozens. */
const MAX_SHOWN_MODELS = 8;
/** Of requests, and of questions: what an answer has room for, whatever is in them. */
const MAX_LISTED = 100;
const MAX_REASON = 500;

/** At most 100 requests and as many questions, the oldest. `now`: of the clock that the jobs' ages are measured by. */
export function runningStatus(
  facts: ProcessFacts,
  view: AgentView,
  policy: PolicyView,
  questions: readonly Question[],
  now: number,
): RunningStatus {
  const { connection, closure } = { connection: view.connection, closure: policy.closure };
  return {
    ...facts,
    version: AGENT_VERSION,
    clis: view.clis.map(({ reason, ...cli }) => ({ ...cli, reason: reason === null ? null : printable(reason) })),
    models: view.models.slice(0, MAX_LISTED).map(printable),
    connection: {
      state: connection.kind,
      reason: connection.kind === "waiting" ? printable(connection.reason).slice(0, MAX_REASON) : null,
    },
    lifecycle: view.lifecycle,
    closure: closure === undefined ? null : { reason: closure.reason, until: closure.until ?? null },
    requests: view.jobs
      .filter((job) => job.isActive)
      .slice(0, MAX_LISTED)
      .map((job) => ({
        requestId: printable(job.id),
        model: plainModel(job.request.model),
        state: job.state.kind,
        ageMs: Math.max(0, Math.round(now - job.startedAt)),
        deltas: job.deltas,
      })),
    questions: questions.slice(0, MAX_LISTED).map((question) => ({
      ...question,
      requestId: printable(question.requestId),
      model: plainModel(question.model),
    })),
    totals: { ...view.totals },
    limits: {
      allowModels: policy.allowModels === undefined ? null : [...policy.allowModels],
      hours: policy.hours?.map(formatHours) ?? null,
      requestsInHour: {
        used: policy.requests.used,
        limit: policy.requests.limit ?? null,
        resetsAt: policy.requests.resetsAt ?? null,
      },
      tokensToday: { ...policy.tokens, limit: policy.tokens.limit ?? null },
    },
  };
}

/** For `codewise-agent status`. `now`: the wall clock, in epoch milliseconds. */
export function formatStatus(status: RunningStatus, now: number): string {
  const { requests, questions } = status;
  return [
    `${status.agentId} at ${status.url} (pid ${status.pid}, version ${status.version})`,
    `  connection  ${describeConnection(status)}`,
    ...status.clis.map((cli) => `  cli         ${describeCli(cli)}`),
    `  offers      ${describeModels(status.models)}`,
    `  requests    ${describePresent(status)}, ${describeTotals(status)} since ${formatTime(status.startedAt, now)}`,
    ...requests.map(
      ({ requestId, model, state, ageMs, deltas }) =>
        `    ${requestId}  ${quotedModel(model)}  ${Math.floor(ageMs / 1000)} s  ${state === "running" ? `${deltas} steps` : state}`,
    ),
    ...describeLimits(status, now).map((line) => `  ${line}`),
    ...questions.map(
      ({ number, model, characters, preview, expiresAt }) =>
        `  to approve  ${number}: ${characters} characters, ${secondsLeft(expiresAt, now)} s left, ${quotedModel(model)}: ${preview}`,
    ),
    ...(questions.length === 0 ? [] : ["              by codewise-agent approve <number>, or deny <number>"]),
    "",
  ].join("\n");
}

function describeCli({ name, version, ready, reason }: RunningStatus["clis"][number]): string {
  const title = version === null ? name : `${name} ${version}`;
  return ready ? `${title} is ready` : `${title}: ${reason ?? "not ready"}`;
}

function describeModels(models: readonly string[]): string {
  if (models.length === 0) return "nothing now";
  const shown = models.slice(0, MAX_SHOWN_MODELS).join(", ");
  return models.length > MAX_SHOWN_MODELS ? `${shown} and ${models.length - MAX_SHOWN_MODELS} more` : shown;
}

/** Until a time, never less than none. Both in epoch milliseconds. */
export function secondsLeft(until: number, now: number): number {
  return Math.max(0, Math.ceil((until - now) / 1000));
}

/** How many requests run, and how many wait for the owner's word. */
export function describePresent({ requests }: Pick<RunningStatus, "requests">): string {
  const waiting = requests.filter(({ state }) => state === "asking").length;
  const running = `${requests.length - waiting} running`;
  return waiting === 0 ? running : `${running}, ${waiting} waiting`;
}

/** How many have ended which way. */
export function describeTotals({ totals }: Pick<RunningStatus, "totals">): string {
  const { completed, failed, cancelled, refused } = totals;
  return `${completed} completed, ${failed} failed, ${cancelled} cancelled, ${refused} refused`;
}

/** The owner's rules, one line each, with what is used and when it resets; the present closure first. */
export function describeLimits(status: Pick<RunningStatus, "closure" | "limits">, now: number): readonly string[] {
  const { limits, closure } = status;
  const { requestsInHour, tokensToday } = limits;
  const lines: string[] = [];
  if (closure !== null) lines.push(`takes none  ${describeClosure(closure, now)}`);
  if (limits.allowModels !== null) lines.push(`models      ${limits.allowModels.join(", ")}`);
  if (limits.hours !== null) lines.push(`hours       ${limits.hours.join(", ")}`);
  if (requestsInHour.limit !== null) {
    const next =
      requestsInHour.resetsAt === null ? "" : `, the oldest until ${formatTime(requestsInHour.resetsAt, now)}`;
    lines.push(`last hour   ${requestsInHour.used} of ${requestsInHour.limit} requests${next}`);
  }
  if (tokensToday.limit !== null) {
    const estimated = tokensToday.estimated === 0 ? "" : ` (${tokensToday.estimated} estimated)`;
    lines.push(
      `today       ${tokensToday.used} of ${tokensToday.limit} tokens${estimated}, anew at ${formatTime(tokensToday.resetsAt, now)}`,
    );
  }
  return lines;
}

const REASONS: Readonly<Record<NonNullable<RunningStatus["closure"]>["reason"], string>> = {
  paused: "paused",
  hours: "outside of the hours",
  tokens: "the tokens of the day are used up",
  requests: "the requests of the hour are used up",
};

/** Why nothing is taken now, and until when. */
export function describeClosure({ reason, until }: NonNullable<RunningStatus["closure"]>, now: number): string {
  if (until !== null) return `${REASONS[reason]}, until ${formatTime(until, now)}`;
  return reason === "paused" ? "paused, until codewise-agent resume" : REASONS[reason];
}

/** Local time: of today as `14:05`, else with its day. */
export function formatTime(time: number, now: number): string {
  const moment = new Date(time);
  const clock = moment.toTimeString().slice(0, 5);
  if (moment.toDateString() === new Date(now).toDateString()) return clock;
  const [year, month, day] = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()];
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")} ${clock}`;
}

function describeConnection({ connection, lifecycle }: RunningStatus): string {
  if (lifecycle !== "running") return lifecycle;
  return connection.reason === null ? connection.state : `not connected: ${connection.reason}`;
}
