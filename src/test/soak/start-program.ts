import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

export interface Program {
  readonly pid: number;
  /** What it printed on stdout so far. */
  readonly output: () => string;
  /** SIGTERM, and the exit code it ended with. */
  stop(): Promise<number | null>;
}

/** Starts a Node program and resolves once its stdout matches. Rejects when it ends before. */
export async function startProgram(
  parameters: readonly string[],
  { env = {}, ready }: { readonly env?: Readonly<Record<string, string>>; readonly ready: RegExp },
): Promise<Program> {
  const child: ChildProcess = spawn(process.execPath, parameters, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const exited = once(child, "exit");
  let output = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (ready.test(output)) resolve();
    });
    void exited.then(() => reject(new Error(`${parameters.join(" ")} ended: ${output}`)));
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    stop: async () => {
      child.kill("SIGTERM");
      const [code] = await exited;
      return code;
    },
  };
}
