import { describe, expect, it } from "vitest";
import { threadSettings } from "./thread-settings.ts";

const PLAIN = { request_max_retries: 0, stream_max_retries: 0, supports_websockets: false };

describe("threadSettings", () => {
  it("switches every MCP server of the owner's off, whatever its name", () => {
    const { config } = threadSettings({ mcp_servers: { a: {}, "b.c d": {} } });
    expect(config["mcp_servers"]).toEqual({ a: { enabled: false }, "b.c d": { enabled: false } });
  });

  it("copies the vendor's own provider, with the owner's address where there is one", () => {
    expect(threadSettings({})).toMatchObject({ modelProvider: "codewise" });
    expect(threadSettings({}).config["model_providers"]).toMatchObject({
      codewise: { name: "OpenAI", requires_openai_auth: true, ...PLAIN },
    });
    expect(JSON.stringify(threadSettings({}))).not.toContain("base_url");
    const { config } = threadSettings({ model_provider: "openai", openai_base_url: "http://x/v1" });
    expect(config["model_providers"]).toMatchObject({ codewise: { base_url: "http://x/v1" } });
  });

  it("changes only the transport of a provider of the owner's, and nothing of a built-in one", () => {
    const owner = { model_provider: "mine", model_providers: { mine: { base_url: "http://x" } } };
    expect(threadSettings(owner)).toEqual({ modelProvider: undefined, config: { model_providers: { mine: PLAIN } } });
    expect(threadSettings({ model_provider: "ollama" })).toEqual({ modelProvider: undefined, config: {} });
  });
});
