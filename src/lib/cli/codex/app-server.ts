import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { z } from "zod";
import { GatewayError } from "../../http/errors.ts";
import { createLineSplitter, LineError } from "../line-splitter.ts";
import type { ProcessExit, ProcessGroup } from "../process-group.ts";
import { abortError, invalidOutput } from "../run-errors.ts";
import { createStderrTail, secretValues } from "../sensitive.ts";
import { CliFailure } from "../types.ts";
import { encodeLine } from "./encode-line.ts";
import { lineSchema, placeSchema, rateLimitsSchema, type RateLimits } from "./protocol.ts";

/** What the server says about one thread. */
export interface ThreadListener {
  /** A notification, or a request that gets no answer. `bytes`: about the size of its line, in UTF-16 units. */
  onMessage(method: string, params: unknown, bytes: number): void;
  /** The process ended, or must be ended: nothing more comes. */
  onLost(error: CliFailure): void;
}

const CALL_TIMEOUT_MS = 30_000;
const STDERR_WAIT_MS = 200;
const CLIENT = { name: "codewise", title: "Codewise", version: "1.0.0" };
/** Asked of the host beside an answer; to be refused, but no attempt at anything. */
const HARMLESS_REQUESTS: ReadonlySet<string> = new Set([
  "account/chatgptAuthTokens/refresh",
  "attestation/generate",
  "currentTime/read",
]);
/** Never said with our settings: they switch every hook and MCP server off. */
const OWNERS_PROGRAM = /^(hook|mcpServer)\//;
const TOOL_CALL = "item/tool/call";

interface Waiting {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: GatewayError) => void;
}

/** Raised where the server answers a call with an error. */
export class RefusedCall extends GatewayError {
  /** The CLI's own words, which may name paths: for the owner of the machine only. */
  readonly said: string;

  constructor(method: string, said: string) {
    super("cli_output_invalid", `The CLI refused '${method}'.`, { cause: new Error(said) });
    this.said = said;
  }
}

/**
 * One process of `codex app-server`: JSON-RPC over its stdin and stdout, shared by many threads. Its output is always read:
 * a slow reader of one thread must not stall the others, so whoever listens bounds what it keeps.
 */
export class AppServer {
  readonly group: ProcessGroup;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, ThreadListener>();
  readonly #stderr: ReturnType<typeof createStderrTail>;
  readonly #whenLost = new Set<() => void>();
  #lastId = 0;
  #lost: CliFailure | undefined;
  #rateLimits: RateLimits | undefined;

  constructor(group: ProcessGroup, environment: Readonly<Record<string, string>>) {
    this.group = group;
    this.#stderr = createStderrTail(secretValues(environment));
    group.stderr.setEncoding("utf8");
    group.stderr.on("data", (text: string) => this.#stderr.push(text));
    const splitter = createLineSplitter();
    group.stdout.on("data", (bytes: Buffer) => {
      if (this.#lost !== undefined) return;
      try {
        for (const line of splitter.push(bytes)) this.#take(line);
      } catch (error) {
        this.lose(error instanceof LineError ? invalidOutput(error.message) : toInternal(error));
      }
    });
    void group.exited.then(async (exit) => {
      // Why it ended is on stderr, which another process could hold open.
      await Promise.race([
        once(group.stderr, "close").catch(() => {}),
        wait(STDERR_WAIT_MS, undefined, { ref: false }),
      ]);
      this.lose(crashed(exit));
    });
  }

  /** The handshake. Rejects with GatewayError. */
  async initialize(signal: AbortSignal): Promise<void> {
    await this.call("initialize", { clientInfo: CLIENT, capabilities: { experimentalApi: true } }, signal);
    this.#write({ method: "initialized" });
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  get rateLimits(): RateLimits | undefined {
    return this.#rateLimits;
  }

  /** Calls back when nothing more can be asked of this process. */
  onLost(listener: () => void): void {
    if (this.#lost === undefined) this.#whenLost.add(listener);
    else listener();
  }

  /** One call, bounded in time. Rejects with GatewayError. */
  call(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(id);
      };
      const fail = (error: GatewayError): void => {
        settle();
        reject(error);
      };
      const onAbort = (): void => fail(abortError(signal));
      const timer = setTimeout(() => {
        fail(new GatewayError("upstream_timeout", `The CLI did not answer '${method}' in time.`));
      }, CALL_TIMEOUT_MS);
      this.#waiting.set(id, {
        method,
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: fail,
      });
      if (signal.aborted) onAbort();
      else {
        signal.addEventListener("abort", onAbort, { once: true });
        this.#write({ id, method, params });
      }
    });
  }

  /** A call whose result is checked. */
  async ask<Schema extends z.ZodType>(
    method: string,
    params: unknown,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.infer<Schema>> {
    const parsed = schema.safeParse(await this.call(method, params, signal));
    if (!parsed.success) throw invalidOutput(`an answer to '${method}' of another form`);
    return parsed.data;
  }

  /** One listener a thread, until the returned function is called; what nobody listens to is dropped. */
  listen(threadId: string, listener: ThreadListener): () => void {
    this.#listeners.set(threadId, listener);
    return () => void this.#listeners.delete(threadId);
  }

  /** Gives this process up: everything that is under way on it fails. The process itself is the owner's to end. */
  lose(error: GatewayError): void {
    if (this.#lost !== undefined) return;
    const { code, message, failover } = error;
    const lost = new CliFailure(code, message, { failover, cause: error, stderrTail: this.#stderr.read() });
    this.#lost = lost;
    for (const { reject } of this.#waiting.values()) reject(lost);
    for (const listener of this.#listeners.values()) listener.onLost(lost);
    for (const listener of this.#whenLost) listener();
  }

  readStderr(): string | undefined {
    return this.#stderr.read();
  }

  #take(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new LineError("a line is not JSON");
    }
    const parsed = lineSchema.safeParse(json);
    if (!parsed.success) throw new LineError("a line is no message");
    const { id, method, params, result, error } = parsed.data;
    if (method === undefined) {
      const waiting = typeof id === "number" ? this.#waiting.get(id) : undefined;
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new RefusedCall(waiting.method, error.message));
      return;
    }
    if (id !== undefined && method !== TOOL_CALL) {
      this.#refuse(id, method);
      return;
    }
    this.#hand(method, params, text.length);
  }

  #hand(method: string, params: unknown, bytes: number): void {
    if (method === "account/rateLimits/updated") {
      const limits = rateLimitsSchema.safeParse(params);
      if (limits.success) this.#rateLimits = limits.data.rateLimits;
      return;
    }
    if (OWNERS_PROGRAM.test(method)) this.lose(unexpected("The CLI started a program of its owner's"));
    const place = placeSchema.safeParse(params);
    const threadId = place.success ? place.data.threadId : undefined;
    if (threadId) this.#listeners.get(threadId)?.onMessage(method, params, bytes);
  }

  /** No approval is ever given: whoever asks for one has a tool that it must not have. */
  #refuse(id: string | number, method: string): void {
    this.#write({ id, error: { code: -32_601, message: "not supported" } });
    if (!HARMLESS_REQUESTS.has(method)) this.lose(unexpected("The CLI asked for a permission"));
  }

  #write(message: unknown): void {
    this.group.stdin.write(encodeLine(message));
  }
}

function unexpected(what: string): GatewayError {
  return new GatewayError("cli_unexpected_tool", `${what}. The CLI was ended.`);
}

function crashed(exit: ProcessExit): GatewayError {
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit.exitCode ?? "unknown"}`;
  return new GatewayError("cli_crashed", `The CLI ${how} before the answer was whole.`);
}

function toInternal(error: unknown): GatewayError {
  return new GatewayError("server_error", "The CLI's output could not be handled.", { cause: error });
}
