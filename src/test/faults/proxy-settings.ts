/** Clocks that no fault without a clock of its own comes near, also on a busy machine. */
export const LONG_CLOCKS: Record<string, string> = {
  UPSTREAM_CONNECT_TIMEOUT_MS: "30000",
  FIRST_OUTPUT_TIMEOUT_MS: "30000",
  IDLE_TIMEOUT_MS: "30000",
  REQUEST_TIMEOUT_MS: "60000",
};

/** Clocks that run out while the test waits; the first output must leave a busy machine time to start a process. */
export const SHORT_CLOCKS: Record<string, string> = {
  UPSTREAM_CONNECT_TIMEOUT_MS: "1000",
  FIRST_OUTPUT_TIMEOUT_MS: "4000",
  IDLE_TIMEOUT_MS: "1500",
  REQUEST_TIMEOUT_MS: "8000",
  AGENT_PING_INTERVAL_MS: "600",
  AGENT_RESUME_GRACE_MS: "500",
  AGENT_QUEUE_WAIT_MS: "200",
};
