/**
 * A host process for the guardian's test: runs one request on the executor with the CLI whose path is the first argument,
 * with its folders below the second, and prints the deltas it gets. The third names variables to pass, with commas. It is
 * then killed from outside.
 */
import { createClaudeExecutor } from "../../lib/cli/claude/executor.ts";

const [, , command = "", workDirectory = "", passed = ""] = process.argv;
const executor = createClaudeExecutor({
  command,
  workDirectory,
  passEnvironment: passed.split(","),
  environment: process.env,
});
await executor.execute(
  {
    requestId: "guarded",
    request: { model: "opus", messages: [{ role: "user", content: "hi" }] },
    model: "opus",
    signal: new AbortController().signal,
    firstEventTimeoutMs: 30_000,
    idleTimeoutMs: 600_000,
    deadlineMs: 600_000,
  },
  {
    open() {},
    delta(delta) {
      process.stdout.write(`${JSON.stringify(delta)}\n`);
      return true;
    },
    onDrain() {},
  },
);
