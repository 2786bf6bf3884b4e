import { ANTHROPIC, OPENAI, type Dialect } from "./dialect.ts";
import { API_FAULTS } from "./catalogue/all.ts";
import { body } from "./scripts.ts";
import { UPSTREAM_KEY } from "./upstream-key.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";

/** The fault server of each format. */
export interface FaultUpstreams {
  /** The proxy's variables for them. */
  readonly env: Record<string, string>;
  /** How many requests came for a model, as the client names it. */
  attempts(model: string): number;
  /** Resolves once neither holds a socket with an exchange under way. */
  settled(ms: number): Promise<void>;
  /** From now on connections are refused. */
  close(): Promise<void>;
}

/** Starts both; which fault a request meets is said by the model that it names. */
export async function startFaultUpstreams(): Promise<FaultUpstreams> {
  const [openai, anthropic] = await Promise.all([startFaultServer(OPENAI), startFaultServer(ANTHROPIC)]);
  return {
    env: {
      OPENAI_API_KEY: UPSTREAM_KEY,
      OPENAI_BASE_URL: `${openai.origin}/v1`,
      OPENAI_MODELS: "any",
      ANTHROPIC_API_KEY: UPSTREAM_KEY,
      ANTHROPIC_BASE_URL: anthropic.origin,
    },
    attempts: (model) =>
      openai.attempts(model.replace(/^openai\//, "")) + anthropic.attempts(model.replace(/^claude-api\//, "")),
    settled: async (ms) => void (await Promise.all([openai.settled(ms), anthropic.settled(ms)])),
    close: async () => void (await Promise.all([openai.close(), anthropic.close()])),
  };
}

function startFaultServer(dialect: Dialect): Promise<WireServer> {
  const faults = new Map(API_FAULTS.flatMap(({ faults }) => faults).map((fault) => [fault.id, fault]));
  return startWireServer(({ method, model, stream }) => {
    if (method === "GET") return body('{"data":[]}');
    const fault = faults.get(dialect.faultOf(model));
    const found = fault?.[stream ? "streamed" : "whole"][dialect.provider];
    return found?.script(dialect) ?? body("{}", { status: "418 No such fault" });
  });
}
