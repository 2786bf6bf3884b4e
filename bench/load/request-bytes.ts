import { orderText } from "../upstream/order.ts";
import type { Plan } from "./plan.ts";

const SENTENCE = "Say hello to the quick brown fox that jumps over the lazy dog. ";

/** The request of a plan as bytes, the same for each time it is sent. */
export function requestBytes(plan: Plan): Buffer {
  const body = JSON.stringify(requestBody(plan));
  const headers = { host: new URL(plan.url).host, "content-type": "application/json", ...plan.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${plan.path} HTTP/1.1\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

function requestBody(plan: Plan): unknown {
  const common = { model: plan.model, temperature: 0.7, max_tokens: 256 };
  const system = { role: "system", content: "You are a helpful assistant that answers in one sentence." };
  if (plan.kind === "streams") {
    const messages = [system, { role: "user", content: `${orderText(plan)} ${SENTENCE}` }];
    return { ...common, stream: true, messages };
  }
  const prompt = SENTENCE.repeat(Math.ceil(plan.promptBytes / SENTENCE.length)).slice(0, plan.promptBytes);
  return { ...common, messages: [system, { role: "user", content: `${orderText("whole")} ${prompt}` }] };
}
