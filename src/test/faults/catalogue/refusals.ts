import { both, brokenOff, each, NOWHERE, openaiOnly, refused, type Expectation, type Fault } from "../fault.ts";
import { begun, body, sse } from "../scripts.ts";
import { UPSTREAM_KEY } from "../upstream-key.ts";

/** Failures that the upstream tells: by its status, in a body with 200, in a frame. */
export const REFUSAL_FAULTS: readonly Fault[] = [
  refusal("400 Bad Request", "invalid_request_error", refused(400, "invalid_request")),
  {
    ...refusal("401 Unauthorized", "authentication_error", refused(502, "upstream_unauthorized")),
    note: "A 401 or 403 concerns the proxy's own key. As a 401 the client would take it for its own.",
  },
  refusal("403 Forbidden", "permission_error", refused(502, "upstream_unauthorized")),
  {
    ...refusal("404 Not Found", "not_found_error", refused(404, "not_found"), refused(404, "model_not_found")),
    note: "Anthropic answers 404 for a model that it does not have; no target has it then.",
  },
  refusal("408 Request Timeout", "timeout_error", refused(504, "upstream_timeout")),
  refusal("413 Payload Too Large", "request_too_large", refused(413, "request_too_large")),
  refusal("500 Internal Server Error", "api_error", refused(502, "upstream_error")),
  refusal("503 Service Unavailable", "overloaded_error", refused(503, "upstream_overloaded")),
  refusal("529 Overloaded", "overloaded_error", refused(503, "upstream_overloaded")),
  {
    id: "empty-500",
    title: "500 without a body",
    streamed: both(() => body("", { status: "500 Internal Server Error" }), refused(502, "upstream_error")),
    whole: both(() => body("", { status: "500 Internal Server Error" }), refused(502, "upstream_error")),
  },
  {
    id: "wrong-address",
    title: "404 without an error object",
    note: "That is a wrong base URL, which the client cannot help; Anthropic's 404 counts as an unknown model.",
    streamed: each(() => bare("404 Not Found"), refused(502, "upstream_error"), refused(404, "model_not_found")),
    whole: each(() => bare("404 Not Found"), refused(502, "upstream_error"), refused(404, "model_not_found")),
  },
  {
    id: "error-with-200",
    title: "an error object with 200",
    streamed: both((dialect) => body(dialect.errorBody("api_error", "broken")), refused(502, "upstream_error")),
    whole: both((dialect) => body(dialect.errorBody("api_error", "broken")), refused(502, "upstream_error")),
  },
  {
    id: "limit-with-200",
    title: "a rate limit's error object with 200",
    streamed: both(
      (dialect) => body(dialect.errorBody("rate_limit_error", "slow")),
      refused(429, "rate_limit_exceeded"),
    ),
    whole: both((dialect) => body(dialect.errorBody("rate_limit_error", "slow")), refused(429, "rate_limit_exceeded")),
  },
  {
    id: "error-frame-first",
    title: "an error frame first",
    streamed: both(
      (dialect) => sse([dialect.errorFrame("overloaded_error", `${UPSTREAM_KEY} is busy`)]),
      refused(503, "upstream_overloaded"),
    ),
    whole: NOWHERE,
  },
  {
    id: "error-frame-before-output",
    title: "an error frame before the text",
    streamed: both(
      (dialect) => sse([...dialect.lead, dialect.errorFrame("overloaded_error", `${UPSTREAM_KEY} is busy`)]),
      refused(503, "upstream_overloaded", { tokens: "begun" }),
    ),
    whole: NOWHERE,
  },
  {
    id: "error-frame-in-mid-answer",
    title: "an error frame in the middle of the answer",
    streamed: both(
      (dialect) => sse([...begun(dialect), dialect.errorFrame("overloaded_error", `${UPSTREAM_KEY} is busy`)]),
      brokenOff(503, "upstream_overloaded"),
    ),
    whole: NOWHERE,
  },
  {
    id: "error-frame-then-end",
    title: "an error frame in the middle of the answer, then the answer's end all the same",
    streamed: both(
      (dialect) => sse([...begun(dialect), dialect.errorFrame("api_error", "broken"), ...dialect.tail, dialect.marker]),
      brokenOff(502, "upstream_error"),
    ),
    whole: NOWHERE,
  },
  {
    id: "limit-in-mid-answer",
    title: "a rate limit's error frame in the middle of the answer",
    streamed: both(
      (dialect) => sse([...begun(dialect), dialect.errorFrame("rate_limit_error", "slow")]),
      brokenOff(429, "rate_limit_exceeded"),
    ),
    whole: NOWHERE,
  },
  {
    id: "quota",
    title: "429 for an empty account",
    note: "No retry can help, and the SDKs would make two.",
    streamed: openaiOnly(
      (dialect) =>
        body(dialect.errorBody("insufficient_quota", "pay first", "insufficient_quota"), {
          status: "429 Too Many Requests",
        }),
      refused(429, "insufficient_quota", { shouldRetry: false }),
    ),
    whole: openaiOnly(
      (dialect) =>
        body(dialect.errorBody("insufficient_quota", "pay first", "insufficient_quota"), {
          status: "429 Too Many Requests",
        }),
      refused(429, "insufficient_quota", { shouldRetry: false }),
    ),
  },
];

function refusal(status: string, type: string, expect: Expectation, claude: Expectation = expect): Fault {
  const cases = each(
    (dialect) => body(dialect.errorBody(type, `No: ${UPSTREAM_KEY} is no good.`), { status }),
    expect,
    claude,
  );
  return { id: `http-${status.slice(0, 3)}`, title: status, streamed: cases, whole: cases };
}

function bare(status: string) {
  return body("<h1>Not here</h1>", { status, type: "text/html" });
}
