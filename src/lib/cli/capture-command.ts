import { setTimeout as wait } from "node:timers/promises";
import { spawnProcessGroup, type ProcessGroup } from "./process-group.ts";

export interface CaptureOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly workDirectory: string;
  readonly timeoutMs: number;
  /** Where standard output is cut; default: 64 Ki characters. */
  readonly maxCharacters?: number;
  readonly signal?: AbortSignal | undefined;
}

export type CapturedRun =
  | { readonly type: "ended"; readonly exitCode: number | null; readonly stdout: string }
  | { readonly type: "timed-out" }
  /** The system's code, such as ENOENT. */
  | { readonly type: "not-started"; readonly systemCode: string };

const DEFAULT_MAX_CHARACTERS = 64 * 1024;
/** After the command's end its output is awaited this long: another process could hold the pipe open. */
const OUTPUT_WAIT_MS = 500;

/** Runs a short command without input and gives its standard output, cut at a bound. Never rejects; no process is left. */
export async function captureCommand(
  command: string,
  commandArguments: readonly string[],
  options: CaptureOptions,
): Promise<CapturedRun> {
  const { maxCharacters = DEFAULT_MAX_CHARACTERS } = options;
  let group: ProcessGroup;
  try {
    group = await spawnProcessGroup(command, commandArguments, {
      cwd: options.workDirectory,
      environment: options.environment,
    });
  } catch (error) {
    return {
      type: "not-started",
      systemCode: error instanceof Error && "code" in error ? String(error.code) : "unknown",
    };
  }
  group.stdin.end();
  group.stderr.resume();
  let stdout = "";
  group.stdout.setEncoding("utf8");
  group.stdout.on("data", (text: string) => {
    if (stdout.length < maxCharacters) stdout += text;
  });
  const outputEnded = new Promise<void>((resolve) => group.stdout.once("close", resolve));
  const stop = new AbortController();
  const expiry = AbortSignal.any([
    stop.signal,
    AbortSignal.timeout(options.timeoutMs),
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  const expired = new Promise<undefined>((resolve) => {
    if (expiry.aborted) resolve(undefined);
    else expiry.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const exit = await Promise.race([group.exited, expired]);
  await group.terminate(0);
  if (exit !== undefined) await Promise.race([outputEnded, wait(OUTPUT_WAIT_MS, undefined, { ref: false })]);
  group.stdout.destroy();
  group.stderr.destroy();
  stop.abort();
  return exit === undefined
    ? { type: "timed-out" }
    : { type: "ended", exitCode: exit.exitCode, stdout: stdout.slice(0, maxCharacters) };
}
