import type { Enrolment } from "../lib/agent/access.ts";
import { createAgentAuthenticator } from "../lib/agent/authenticate.ts";
import { createAgentConnectHandler } from "../lib/agent/connect.ts";
import { createAgentInputHandler } from "../lib/agent/input.ts";
import { AgentManager, type AgentManagerOptions } from "../lib/agent/manager.ts";
import { createAgentResponseHandler } from "../lib/agent/response.ts";
import { createAgentStatusHandler } from "../lib/agent/status.ts";
import type { CallTimeouts, ProviderCall } from "../lib/providers/types.ts";
import { silentLogger } from "../lib/telemetry/logger.ts";
import { FakeAgent, type FakeAgentOptions } from "./fake-agent.ts";
import { startHttpHarness, type HttpHarness } from "./http-harness.ts";
import { chatBodyOf } from "./provider-call.ts";

export const AGENT_SECRET = "a-secret-of-the-tests";

export interface CallOptions {
  readonly requestId?: string;
  readonly keyId?: string;
  readonly model?: string;
  readonly prompt?: string;
  readonly signal?: AbortSignal;
  readonly timeouts?: Partial<CallTimeouts>;
}

/** A manager behind its endpoints on a real port, with the agents that a test makes. */
export class AgentHarness {
  readonly manager: AgentManager;
  readonly #http: HttpHarness;
  readonly #agents: FakeAgent[] = [];
  #calls = 0;

  private constructor(manager: AgentManager, http: HttpHarness) {
    this.manager = manager;
    this.#http = http;
  }

  /** `enrolments`: what lets agents in beside the secret, by their tokens. */
  static async start(
    options: Partial<AgentManagerOptions> = {},
    enrolments: ReadonlyMap<string, Enrolment> = new Map(),
  ): Promise<AgentHarness> {
    const manager = new AgentManager({
      pingIntervalMs: 5000,
      resumeGraceMs: 5000,
      queueMax: 10,
      queueWaitMs: 1000,
      logger: silentLogger,
      ...options,
    });
    const shared = {
      manager,
      authenticateAgent: createAgentAuthenticator({
        secret: AGENT_SECRET,
        findEnrolment: (token) => enrolments.get(token),
      }),
    };
    const status = createAgentStatusHandler(shared);
    const http = await startHttpHarness([
      { method: "GET", path: "/api/agent/connect", handler: createAgentConnectHandler(shared) },
      { method: "POST", path: "/api/agent/response", handler: createAgentResponseHandler(shared) },
      { method: "GET", path: "/api/agent/requests/{id}/input", handler: createAgentInputHandler(shared) },
      { method: "GET", path: "/api/agent/status", handler: async (context) => await status(context, undefined) },
    ]);
    return new AgentHarness(manager, http);
  }

  get url(): string {
    return this.#http.url;
  }

  agent(options: Partial<FakeAgentOptions> = {}): FakeAgent {
    const agent = new FakeAgent({ url: this.#http.url, secret: AGENT_SECRET, ...options });
    this.#agents.push(agent);
    return agent;
  }

  call(options: CallOptions = {}): ProviderCall {
    this.#calls += 1;
    const model = options.model ?? "sonnet";
    return {
      requestId: options.requestId ?? `req_${this.#calls}`,
      keyId: options.keyId ?? "key_1",
      completionId: `chatcmpl-${this.#calls}`,
      created: 1_700_000_000,
      body: chatBodyOf({ model, messages: [{ role: "user", content: options.prompt ?? "hello" }], stream: true }),
      model,
      signal: options.signal ?? new AbortController().signal,
      timeouts: { connectMs: 1000, firstOutputMs: 5000, idleMs: 5000, totalMs: 10_000, ...options.timeouts },
    };
  }

  /** Resolves once the condition holds; looked at after every change that the manager announces. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const unsubscribe = this.manager.subscribe(() => {
        if (!condition()) return;
        unsubscribe();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    await this.manager.close();
    await Promise.all(this.#agents.map((agent) => agent.drop()));
    await this.#http.close();
  }
}
