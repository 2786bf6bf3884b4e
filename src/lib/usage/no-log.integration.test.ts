import { expect, it, onTestFinished } from "vitest";
import { startFakeOpenAIServer } from "../../test/fake-openai-server.ts";
import { startProxyHarness } from "../../test/proxy-harness.ts";
import { openDesk } from "../workers/desk.ts";
import { selectRecentRequests } from "../db/queries/recent-requests.ts";

it("REQUEST_LOG_ENABLED=false keeps no row, neither of this process nor of its workers, and still shows the latest requests", async () => {
  const upstream = await startFakeOpenAIServer();
  const proxy = await startProxyHarness({
    REQUEST_LOG_ENABLED: "false",
    OPENAI_API_KEY: "sk-upstream-key",
    OPENAI_BASE_URL: upstream.baseUrl,
  });
  onTestFinished(async () => {
    await proxy.close();
    await upstream.close();
  });
  const { runtime } = proxy;
  const answer = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${proxy.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "openai/gpt-test", messages: [{ role: "user", content: "hello" }] }),
  });
  expect(answer.status).toBe(200);
  await answer.text();
  await expect.poll(() => runtime.live.recent().length).toBe(1);
  const row = runtime.live.recent()[0];
  if (row === undefined) throw new Error("no row is shown");
  const desk = openDesk({ workerId: 1, parts: runtime, send: () => undefined });
  const rows = [{ ...row, id: "req_of_a_worker" }];
  desk.take({ codewise: "question", call: 1, question: { kind: "rows", rows, lost: 0 } });
  await expect.poll(() => runtime.live.recent().length).toBe(2);
  await runtime.logWriter.flush();
  expect(await selectRecentRequests(runtime.database)).toEqual([]);
});
