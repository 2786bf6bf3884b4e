import { CommanderError, type Command } from "commander";
import { EnvError, loadEnvFile } from "../../src/lib/env.ts";
import { GatewayError } from "../../src/lib/http/errors.ts";
import { UsageError } from "./usage-error.ts";

/** Runs an operator's program; its failures become one line on stderr and exit code 1, or 2 where the caller is to blame. */
export async function runProgram(program: Command): Promise<void> {
  try {
    loadEnvFile();
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed its line, or the help that was asked for.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else if (error instanceof EnvError || error instanceof UsageError) {
      console.error(error.message);
      process.exitCode = 2;
    } else {
      console.error(
        error instanceof GatewayError
          ? error.message
          : `Failed: ${error instanceof Error ? error.message : "unknown error"}.`,
      );
      process.exitCode = 1;
    }
  }
}
