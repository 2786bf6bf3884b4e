import { spawn, type ChildProcess } from "node:child_process";

/** A process started by a test, with what it printed. */
export interface StartedProcess {
  readonly child: ChildProcess;
  /** Everything on stdout and stderr so far. */
  output(): string;
  /** Resolves with the match when stdout or stderr holds the pattern; rejects with the output when the process ends first. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Sends a signal and resolves with the exit code (or the signal's name) once the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
  readonly exited: Promise<number | string>;
}

/** Starts a program with exactly the given environment beside PATH and HOME. */
export function startProcess(
  command: string,
  parameters: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): StartedProcess {
  const env: Record<string, string | undefined> = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    ...options.env,
  };
  const child = spawn(command, parameters, {
    cwd: options.cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: env as NodeJS.ProcessEnv,
  });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const exited = new Promise<number | string>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
    child.once("error", (error) => resolve(error.message));
  });
  return {
    child,
    exited,
    output: () => output,
    waitFor: async (pattern, timeoutMs = 60_000) => {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const check = (): void => {
        const match = pattern.exec(output);
        if (match !== null) resolve(match);
      };
      const fail = (why: string): void => reject(new Error(`${command}: ${why} before ${pattern}:\n${output}`));
      const timer = setTimeout(() => fail("time ran out"), timeoutMs);
      listeners.add(check);
      check();
      void exited.then((code) => fail(`ended with ${code}`));
      return await promise.finally(() => {
        clearTimeout(timer);
        listeners.delete(check);
      });
    },
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      return await exited;
    },
  };
}
