import { join } from "node:path";
import { promisify } from "node:util";
import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  anthropicEvents,
  anthropicFrames,
  startFakeAnthropicServer,
  type FakeAnthropicServer,
} from "../../src/test/fake-anthropic-server.ts";
import { installPythonSdk, PYTHON } from "../support/python-sdk.ts";
import { startProxy, type StartedProxy } from "../support/proxy.ts";

const missing = installPythonSdk();
if (missing !== undefined && process.env["CI"]) throw new Error(missing);
if (missing !== undefined) console.warn(`SKIPPED: ${missing}`);

describe.skipIf(missing !== undefined)("the official Python SDK", () => {
  let proxy: StartedProxy;
  let anthropic: FakeAnthropicServer;

  beforeAll(async () => {
    anthropic = await startFakeAnthropicServer();
    proxy = await startProxy({ ANTHROPIC_API_KEY: "sk-ant-fake", ANTHROPIC_BASE_URL: anthropic.baseUrl });
  });
  afterAll(async () => {
    await proxy.stop();
    await anthropic.close();
  });

  it("completes, streams, uses its helper and maps errors to its own classes", async () => {
    const ask = promisify(execFile)(PYTHON, [
      join(import.meta.dirname, "python", "client.py"),
      proxy.url,
      proxy.apiKey,
      "sonnet",
    ]);
    // Three good answers come first; the fourth request is the one that breaks.
    await anthropic.request(2);
    anthropic.enqueue({ steps: anthropicFrames(anthropicEvents()).slice(0, 5), end: "drop" });
    const result = JSON.parse((await ask).stdout) as Record<string, unknown>;
    expect(result).toEqual({
      text: "Hello there!",
      finish_reason: "stop",
      prompt_tokens: 2125,
      streamed: "Hello there!",
      streamed_prompt_tokens: 2125,
      helper: "Hello there!",
      unknown_model: ["model_not_found", true],
      bad_request: "messages",
      wrong_key: "invalid_api_key",
      broken: "APIError",
    });
  });
});
