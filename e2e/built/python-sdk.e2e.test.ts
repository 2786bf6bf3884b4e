import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
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
import { startProxy, type StartedProxy } from "../support/proxy.ts";

const OPENAI_PYTHON = "openai==3.52.0";
const environment = join(import.meta.dirname, "..", "..", ".cache", "python-sdk");
const python = join(environment, "bin", "python");

/** Installs the SDK into a virtual environment of its own; says why when it cannot be had. */
function install(): string | undefined {
  const marker = join(environment, "bin", "openai");
  if (existsSync(marker)) return undefined;
  try {
    execFileSync("python3", ["-m", "venv", environment], { stdio: "ignore" });
    execFileSync(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", OPENAI_PYTHON], {
      stdio: "ignore",
      timeout: 300_000,
    });
    return undefined;
  } catch (error) {
    return `the Python SDK cannot be installed here: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}`;
  }
}

const missing = install();
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
    const ask = promisify(execFile)(python, [
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
