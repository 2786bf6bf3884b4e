/** The proxy as a process of its own, from its sources, with a client that opens a new connection for each request. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEST_ADMIN_KEY, TEST_AGENT_SECRET } from "./proxy-harness.ts";

const ENTRY = join(import.meta.dirname, "..", "server", "main.ts");
const START_TIMEOUT_MS = 90_000;

export interface ProxyAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** False when the connection broke before the answer's end. */
  readonly isWhole: boolean;
}

export interface ProxyProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly apiKey: string;
  readonly dataDirectory: string;
  /** The system's folder for temporary files, as this proxy has it. */
  readonly temporaryDirectory: string;
  readonly exited: Promise<number | string>;
  output(): string;
  /** The process ids of its children. */
  workers(): number[];
  /** Opens a connection, sends one request and answers as soon as the head has come. */
  open(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<IncomingMessage>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ProxyAnswer>;
  asAdmin(method: string, path: string, body?: unknown): Promise<ProxyAnswer>;
  /** Ends it if need be and removes its folders. */
  remove(): Promise<void>;
}

export async function startProxyProcess(env: Record<string, string>): Promise<ProxyProcess> {
  const folder = mkdtempSync(join(tmpdir(), "codewise-process-"));
  const temporaryDirectory = mkdtempSync(join(folder, "tmp-"));
  const dataDirectory = join(folder, "data");
  const child = spawn(process.execPath, [ENTRY, "--no-dashboard"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      NODE_ENV: "test",
      TMPDIR: temporaryDirectory,
      PORT: "0",
      CODEWISE_ADMIN_KEY: TEST_ADMIN_KEY,
      AGENT_SECRET: TEST_AGENT_SECRET,
      CODEWISE_DATA_DIR: dataDirectory,
      ...env,
    },
  });
  const exited = once(child, "exit").then(([code, signal]): number | string => code ?? signal);
  let output = "";
  const [, url = "", apiKey = ""] = await new Promise<RegExpExecArray>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the proxy did not start:\n${output}`)), START_TIMEOUT_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        output += text;
        const match = /listens on (http:\S+)[^]*OPENAI_API_KEY=(\S+)/.exec(output);
        if (match !== null) resolve(match);
      });
    }
    void exited.then((code) => reject(new Error(`the proxy ended with ${code}:\n${output}`)));
    void exited.finally(() => clearTimeout(timer));
  });

  const open: ProxyProcess["open"] = async (method, path, body, headers = {}) => {
    const outgoing = httpRequest(`${url}${path}`, {
      method,
      agent: false,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json", ...headers },
    });
    // The proxy may answer and close before it has read all of a body.
    outgoing.on("error", () => undefined);
    outgoing.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return response;
  };
  const send: ProxyProcess["send"] = async (...request) => await readAnswer(await open(...request));
  return {
    child,
    url,
    apiKey,
    dataDirectory,
    temporaryDirectory,
    exited,
    output: () => output,
    workers: () => childrenOf(child.pid ?? 0),
    open,
    send,
    asAdmin: (method, path, body) => send(method, path, body, { authorization: `Bearer ${TEST_ADMIN_KEY}` }),
    remove: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Reads an answer to its end, or to where it broke. */
export async function readAnswer(response: IncomingMessage): Promise<ProxyAnswer> {
  const parts: Buffer[] = [];
  response.on("data", (part: Buffer) => parts.push(part));
  response.on("error", () => undefined);
  if (!response.closed) await once(response, "close").catch(() => undefined);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(parts).toString("utf8"),
    isWhole: response.complete,
  };
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text
    .trim()
    .split(/\s+/)
    .filter((id) => id !== "")
    .map(Number);
}
