import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codexProgram, startRealCodex } from "./harness.ts";

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A login as ChatGPT's, of nobody: `auth.json` with tokens that are signed by no one. */
function fakeLogin(): string {
  const exp = Math.floor(Date.now() / 1000) + 5 * 86_400;
  const account = { chatgpt_plan_type: "pro", chatgpt_user_id: "u", chatgpt_account_id: "acc", user_id: "u" };
  const claims = { email: "a@example.org", exp, iat: exp - 90_000, "https://api.openai.com/auth": account };
  const token = `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.c2ln`;
  const tokens = { id_token: token, access_token: token, refresh_token: "fake", account_id: "acc" };
  return JSON.stringify({ auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens, last_refresh: new Date().toISOString() });
}

describe.skipIf(codexProgram() === undefined)("a ChatGPT login with codex", () => {
  let vendor: Server;
  let origin: string;
  const asked: string[] = [];

  /** Answers what the CLI asks about the account, and stands before the vendor as a proxy that lets nothing through. */
  beforeEach(async () => {
    asked.length = 0;
    const entry = { id: "acc", account_id: "acc", structure: "personal", plan_type: "pro", is_default: true };
    const routing = { workspace_backend_origin: "https://chatgpt.com", account_routing_override: "NO_CONSTRAINT" };
    const account = { accounts: [{ ...entry, ...routing }], account_ordering: ["acc"], default_account_id: "acc" };
    vendor = createServer((request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(request.url?.endsWith("/accounts/check") ? account : {}));
    });
    vendor.on("connect", (request, socket) => {
      asked.push(String(request.url));
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    vendor.listen(0, "127.0.0.1");
    await once(vendor, "listening");
    origin = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    vendor.close();
    vendor.closeAllConnections();
  });

  it("is ready without a call to the vendor, and used at the subscription's own address", async () => {
    const codex = await startRealCodex({
      isLoggedIn: false,
      config: `chatgpt_base_url = "${origin}/backend-api"\n`,
      variables: { HTTPS_PROXY: origin },
    });
    try {
      await writeFile(join(codex.codexHome, "auth.json"), fakeLogin());
      expect(await codex.executor.probe()).toMatchObject({ ready: true });
      expect(asked).toEqual([]);
      expect(await codex.fail({})).toMatchObject({ code: "upstream_connection_failed", failover: true });
      expect(new Set(asked)).toEqual(new Set(["chatgpt.com:443"]));
    } finally {
      await codex.close();
    }
  });
});
