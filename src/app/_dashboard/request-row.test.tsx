import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import type { RequestView } from "../../lib/admin/types.ts";
import { RequestRow } from "./request-row.tsx";

const request: RequestView = {
  id: "req_1",
  createdAt: "2026-11-21T10:15:30.000Z",
  keyName: "laptop",
  requestedModel: "sonnet",
  servedModel: "claude-sonnet-4-6",
  provider: "claude-cli-remote",
  agentId: "annas-macbook",
  status: 200,
  errorCode: null,
  promptTokens: 1234,
  completionTokens: 0,
  cachedTokens: null,
  reasoningTokens: null,
  tokensEstimated: false,
  firstTokenMs: 640.4,
  totalMs: 3204.6,
  streamed: true,
  clientGone: false,
};

/** The texts of the row's cells. */
const cells = (change: Partial<RequestView> = {}): string[] => {
  const row = <RequestRow request={{ ...request, ...change }} today={new Date(request.createdAt).toDateString()} />;
  return renderToStaticMarkup(row)
    .split(/<\/t[hd]>/)
    .slice(0, -1)
    .map((cell) => cell.replaceAll(/<[^>]+>/g, ""));
};

describe("RequestRow", () => {
  it("tells zero tokens from unknown ones and rounds milliseconds", () => {
    expect(cells().slice(6)).toEqual(["1,234", "0", "640", "3,205"]);
    expect(cells({ promptTokens: null, completionTokens: null }).slice(6, 8)).toEqual(["–unknown", "–unknown"]);
  });

  it("names cached and reasoning tokens under their sums, zero included, and only where they are known", () => {
    expect(cells({ cachedTokens: 1024, reasoningTokens: 0 }).slice(6, 8)).toEqual([
      "1,2341,024 cached",
      "00 reasoning",
    ]);
    expect(cells({ cachedTokens: null, reasoningTokens: null }).slice(6, 8)).toEqual(["1,234", "0"]);
  });

  it("marks estimated tokens", () => {
    expect(cells({ tokensEstimated: true, cachedTokens: 7 }).slice(6, 8)).toEqual(["~1,234~7 cached", "~0"]);
  });

  it("names the served model only where it is not the one asked for", () => {
    expect(cells()[2]).toBe("sonnet→ served by claude-sonnet-4-6");
    expect(cells({ servedModel: "sonnet" })[2]).toBe("sonnet");
    expect(cells({ servedModel: null, requestedModel: null })[2]).toBe("–unknown");
  });

  it("says how it ended: status, error code, delivery and a client that left", () => {
    const ended = cells({ status: 499, errorCode: "client_closed_request", clientGone: true });
    expect(ended[5]).toBe("499 streamedclient_closed_requestclient gone");
    expect(cells({ streamed: false })[5]).toBe("200 whole");
  });

  it("escapes names", () => {
    expect(cells({ keyName: "<script>x</script>" })[1]).toBe("&lt;script&gt;x&lt;/script&gt;");
  });
});
