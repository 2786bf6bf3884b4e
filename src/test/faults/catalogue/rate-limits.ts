import { both, refused, type Expectation, type Fault } from "../fault.ts";
import { body } from "../scripts.ts";

const SOON_MS = 30_000;

/** 429 with each form of time to wait. */
export const RATE_LIMIT_FAULTS: readonly Fault[] = [
  limited("seconds", "`retry-after: 7`", () => ["retry-after: 7"], waits(7000)),
  {
    ...limited(
      "date",
      "`retry-after` with a date half a minute away",
      () => [`retry-after: ${new Date(Date.now() + SOON_MS).toUTCString()}`],
      waits(SOON_MS),
    ),
    retryAfterSlackMs: SOON_MS - 1000,
  },
  limited(
    "past-date",
    "`retry-after` with a date in the past",
    () => ["retry-after: Wed, 21 Oct 2015 07:28:00 GMT"],
    waits(0),
  ),
  limited("milliseconds", "`retry-after-ms: 1500`", () => ["retry-after-ms: 1500"], waits(1500)),
  limited(
    "both",
    "`retry-after-ms: 1500` and `retry-after: 9`",
    () => ["retry-after: 9", "retry-after-ms: 1500"],
    waits(1500),
  ),
  limited("fraction", "`retry-after: 0.25`", () => ["retry-after: 0.25"], waits(250)),
  limited("none", "no `retry-after`", () => [], waits()),
  limited("garbage", "`retry-after: soon`", () => ["retry-after: soon"], waits()),
  limited("negative", "`retry-after: -5`", () => ["retry-after: -5"], waits()),
  limited("huge", "`retry-after: 99999999`", () => ["retry-after: 99999999"], waits()),
  limited("twice", "`retry-after` twice", () => ["retry-after: 7", "retry-after: 8"], waits()),
  {
    id: "overloaded-with-wait",
    title: "503 with `retry-after: 7`",
    streamed: both(
      (dialect) =>
        body(dialect.errorBody("overloaded_error", "busy"), { status: "503 Busy", headers: ["retry-after: 7"] }),
      refused(503, "upstream_overloaded", { retryAfterMs: 7000 }),
    ),
    whole: both(
      (dialect) =>
        body(dialect.errorBody("overloaded_error", "busy"), { status: "503 Busy", headers: ["retry-after: 7"] }),
      refused(503, "upstream_overloaded", { retryAfterMs: 7000 }),
    ),
  },
];

function limited(form: string, title: string, headers: () => readonly string[], expect: Expectation): Fault {
  const cases = both(
    (dialect) =>
      body(dialect.errorBody("rate_limit_error", "Slow down."), {
        status: "429 Too Many Requests",
        headers: headers(),
      }),
    expect,
  );
  return { id: `limit-${form}`, title: `429, ${title}`, streamed: cases, whole: cases };
}

function waits(retryAfterMs?: number): Expectation {
  return refused(429, "rate_limit_exceeded", retryAfterMs === undefined ? {} : { retryAfterMs });
}
