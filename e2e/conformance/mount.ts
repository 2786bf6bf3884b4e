import type { FakeAnthropicServer } from "../../src/test/fake-anthropic-server.ts";
import { startFakeAnthropicServer } from "../../src/test/fake-anthropic-server.ts";
import { startFakeOpenAIServer, type FakeOpenAIServer } from "../../src/test/fake-openai-server.ts";

/** The proxy at one way of serving it, with the upstreams that it was started with. */
export interface Mount {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly apiKey: string;
  readonly adminKey: string;
  readonly agentSecret: string;
  readonly upstreams: Upstreams;
}

export interface Upstreams {
  /** Serves the `claude-api` models. */
  readonly anthropic: FakeAnthropicServer;
  /** Serves `gpt-test`. */
  readonly openai: FakeOpenAIServer;
  /** The proxy's environment for them. */
  readonly env: Record<string, string>;
  close(): Promise<void>;
}

export async function startUpstreams(): Promise<Upstreams> {
  const [anthropic, openai] = await Promise.all([startFakeAnthropicServer(), startFakeOpenAIServer()]);
  return {
    anthropic,
    openai,
    env: {
      ANTHROPIC_API_KEY: "sk-ant-fake",
      ANTHROPIC_BASE_URL: anthropic.baseUrl,
      OPENAI_API_KEY: "sk-fake",
      OPENAI_BASE_URL: openai.baseUrl,
    },
    close: async () => {
      await Promise.all([anthropic.close(), openai.close()]);
    },
  };
}
