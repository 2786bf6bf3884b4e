import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { startProxyHarness, type ProxyHarness } from "../../test/proxy-harness.ts";

let proxy: ProxyHarness | undefined;
afterEach(async () => {
  await proxy?.close();
});

it("answers at once when the proxy is its own provider, instead of asking itself without end", async () => {
  // The port is known before the proxy starts, so that it can be named as its own upstream under another name.
  const placeholder = createServer();
  placeholder.listen(0, "127.0.0.1");
  await once(placeholder, "listening");
  const { port } = placeholder.address() as AddressInfo;
  placeholder.close();
  await once(placeholder, "close");
  proxy = await startProxyHarness(
    {
      OPENAI_API_KEY: "cw_any",
      OPENAI_BASE_URL: `http://127.0.0.2:${port}/v1`,
      OPENAI_MODELS: "self",
      PORT: String(port),
    },
    { port, host: "0.0.0.0" },
  );
  const keyOfItself = proxy.apiKey;
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${keyOfItself}` },
    body: JSON.stringify({ model: "self", messages: [{ role: "user", content: "hi" }] }),
  });
  // The inner request is refused with 508; to the outer one that is a failure of its upstream.
  expect(response.status).toBe(502);
  expect(await response.text()).toContain("its own provider");
  expect(proxy.runtime.live.recent()).toHaveLength(1);
});
