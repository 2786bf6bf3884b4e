/** The proxy as a process that can be killed and started again at the same address with the same data. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEST_ADMIN_KEY, TEST_AGENT_SECRET } from "../proxy-harness.ts";
import { until } from "./settings.ts";

const ENTRY = join(import.meta.dirname, "..", "..", "server", "main.ts");
const START_WAIT_MS = 60_000;

export class ServerProcess {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #output = "";
  #apiKey = "";

  private constructor(folder: string, port: number, env: Record<string, string>) {
    this.#folder = folder;
    this.#port = port;
    this.#env = env;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts it with an empty database. */
  static async start(env: Record<string, string>): Promise<ServerProcess> {
    const server = new ServerProcess(await mkdtemp(join(tmpdir(), "chaos-server-")), await freePort(), env);
    await server.startAgain();
    server.#apiKey = /OPENAI_API_KEY=(\S+)/.exec(server.#output)?.[1] ?? "";
    return server;
  }

  /** The key that its first start made. */
  get apiKey(): string {
    return this.#apiKey;
  }

  /** Starts it with what the killed one has left. Throws when it does not listen in time. */
  async startAgain(): Promise<void> {
    this.#output = "";
    const child = spawn(process.execPath, [ENTRY, "--no-dashboard"], {
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        NODE_ENV: "test",
        PORT: String(this.#port),
        CODEWISE_ADMIN_KEY: TEST_ADMIN_KEY,
        AGENT_SECRET: TEST_AGENT_SECRET,
        CODEWISE_DATA_DIR: join(this.#folder, "data"),
        LOG_LEVEL: "error",
        ...this.#env,
      },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-20_000);
      });
    }
    const listens = (): boolean => this.#output.includes(`listens on ${this.url}`);
    if (!(await until(listens, START_WAIT_MS))) throw new Error(`the server does not listen: ${this.#output}`);
  }

  /** Whether it lists a model for its key within so many milliseconds: only then has an agent said what it offers. */
  async lists(model: string, withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      const headers = { authorization: `Bearer ${this.#apiKey}` };
      const answer = await fetch(`${this.url}/v1/models`, { headers }).catch(() => undefined);
      if ((await answer?.text())?.includes(`"${model}"`) === true) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
