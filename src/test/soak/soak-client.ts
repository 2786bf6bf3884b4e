import { request as httpRequest, type Agent, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { encodePlan, isFault, type Plan } from "./plan.ts";

export interface SoakResult {
  /** Milliseconds to the first frame or the whole answer; only of requests that went by the book. */
  readonly latencyMs: number | undefined;
  /** What was wrong with the answer, if anything was. */
  readonly violation: string | undefined;
}

export interface SoakClientOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly agent: Agent;
  /** Resolves when the upstream has got a plan's request. */
  readonly arrived: (plan: Plan) => Promise<void>;
}

const FRAME = /^data: \{/gm;

/** Sends the request of a plan, leaves when it says so, and judges the answer. */
export async function runPlan(plan: Plan, options: SoakClientOptions): Promise<SoakResult> {
  const startedAt = performance.now();
  const outgoing = httpRequest(`${options.url}/v1/chat/completions`, {
    method: "POST",
    agent: options.agent,
    headers: { authorization: `Bearer ${options.apiKey}`, "content-type": "application/json" },
  });
  outgoing.on("error", () => undefined);
  const content = `${encodePlan(plan)}${"x".repeat(plan.padding)}`;
  outgoing.end(
    JSON.stringify({
      model: `${plan.route}/${plan.route === "openai" ? "gpt-soak" : "claude-soak"}`,
      stream: plan.stream,
      messages: [{ role: "user", content }],
    }),
  );
  if (plan.ending.startsWith("leave") && !plan.stream) {
    await options.arrived(plan);
    outgoing.destroy();
    return { latencyMs: undefined, violation: undefined };
  }
  const [response]: IncomingMessage[] = await once(outgoing, "response");
  if (response === undefined) return { latencyMs: undefined, violation: "no answer" };
  let text = "";
  let firstAt: number | undefined;
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    firstAt ??= performance.now();
    text += chunk;
    // What is told early comes before the second piece; a translated stream begins with a frame of its own.
    if (plan.ending.startsWith("leave") && (text.match(FRAME)?.length ?? 0) >= 3) response.destroy();
  });
  await new Promise<void>((resolve) => {
    response.once("error", () => undefined);
    response.once("close", resolve);
  });
  const violation = judge(plan, response.statusCode ?? 0, text);
  return {
    violation,
    latencyMs: plan.ending === "complete" && plan.padding < 1000 && firstAt ? firstAt - startedAt : undefined,
  };
}

function judge(plan: Plan, status: number, text: string): string | undefined {
  const describe = `${plan.route} ${plan.ending} ${plan.stream ? "streamed" : "whole"}: ${status} ${text.slice(-200)}`;
  if (plan.ending.startsWith("leave")) return undefined;
  const whole = status === 200 && (plan.stream ? text.endsWith("data: [DONE]\n\n") : text.endsWith("}"));
  if (isFault(plan)) {
    const failed = status >= 400 || (text.includes('"error"') && !text.includes("[DONE]"));
    return failed ? undefined : `a fault looks like success: ${describe}`;
  }
  return whole ? undefined : `an answer is not whole: ${describe}`;
}
