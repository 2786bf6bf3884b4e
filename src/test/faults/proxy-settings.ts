/** One attempt per request, and no target left alone after failures: each fault is to be seen for itself. */
const ONE_ATTEMPT = { RETRY_WAIT_MAX_MS: "0", CIRCUIT_COOLDOWN_MS: "0" };

/** Clocks that no fault without a clock of its own comes near, also on a busy machine. */
export const LONG_CLOCKS: Record<string, string> = {
  ...ONE_ATTEMPT,
  UPSTREAM_CONNECT_TIMEOUT_MS: "30000",
  FIRST_OUTPUT_TIMEOUT_MS: "30000",
  IDLE_TIMEOUT_MS: "30000",
  REQUEST_TIMEOUT_MS: "60000",
};

/** Clocks that run out while the test waits; the first output must leave a busy machine time to start a process. */
export const SHORT_CLOCKS: Record<string, string> = {
  ...ONE_ATTEMPT,
  UPSTREAM_CONNECT_TIMEOUT_MS: "1000",
  FIRST_OUTPUT_TIMEOUT_MS: "5000",
  IDLE_TIMEOUT_MS: "1500",
  REQUEST_TIMEOUT_MS: "9000",
  AGENT_PING_INTERVAL_MS: "1000",
  AGENT_RESUME_GRACE_MS: "500",
  AGENT_QUEUE_WAIT_MS: "200",
};
