import { setTimeout as sleep } from "node:timers/promises";
import type { AgentRequest } from "../../lib/agent/types.ts";
import { FakeAgent } from "../fake-agent.ts";
import { FakeRun } from "../fake-agent-run.ts";
import { LedgerBook, type Ledger } from "./ledger.ts";
import { decodePlan } from "./plan.ts";

export interface SoakAgent {
  ledger(): Ledger;
  /** Resolves when the request of a plan has arrived. */
  arrived(id: number): Promise<void>;
  stop(): Promise<void>;
}

/** An agent over real sockets that answers by the plans in the prompts, and counts what it told. */
export async function startSoakAgent(url: string, secret: string): Promise<SoakAgent> {
  const agent = new FakeAgent({ url, secret, agentId: "soak" });
  const book = new LedgerBook();
  const cancelled = new Set<string>();
  const seen = new Set<number>();
  const waiting = new Map<number, () => void>();
  await agent.start({ maxConcurrency: 64, models: ["claude-*"] });

  const serve = async (request: AgentRequest): Promise<void> => {
    const run = new FakeRun(request);
    await agent.post(run.accept());
    const inline = JSON.stringify(request.body);
    const plan = decodePlan(inline ?? (await agent.send("GET", request.inputUrl ?? "")).text);
    const tell = book.open();
    seen.add(plan.id);
    waiting.get(plan.id)?.();
    if (plan.ending === "status") return void (await agent.post(run.error()));
    for (let count = 0; count < plan.pieces; count += 1) await agent.post(run.text("soak "));
    if (plan.ending === "complete") {
      const { promptTokens, completionTokens } = plan;
      tell(promptTokens, completionTokens);
      const usage = {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
      };
      await agent.post(run.complete({ usage }));
    } else if (plan.ending === "leave") {
      while (!cancelled.delete(request.requestId)) {
        await agent.post(run.text("soak "));
        await sleep(20);
      }
      await agent.post(run.error({ code: "cancelled", status: 499 }));
    } else {
      await agent.post(run.error());
    }
  };
  const takeRequests = async (): Promise<never> => {
    for (;;) void serve(await agent.event("request")).catch(() => undefined);
  };
  const takeCancels = async (): Promise<never> => {
    for (;;) cancelled.add((await agent.event("cancel")).requestId);
  };
  void takeRequests();
  void takeCancels();
  return {
    ledger: () => book.total(),
    arrived: async (id) => {
      if (!seen.has(id)) await new Promise<void>((resolve) => waiting.set(id, resolve));
      waiting.delete(id);
    },
    stop: () => agent.drop(),
  };
}
