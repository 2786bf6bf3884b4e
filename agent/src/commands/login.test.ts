import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { describeApproval } from "./login.ts";

const approvalAt = (url: string): string =>
  describeApproval({ userCode: "ABCD-EFGH", expiresInMs: 600_000 }, url).join("\n");

describe("what a login tells to do", () => {
  it("uses the key's variable that the proxy's own instructions set, and has no key on a command line", () => {
    expect(approvalAt("https://proxy.example")).toContain(
      `echo "Authorization: Bearer $OPENAI_API_KEY" | curl -X POST https://proxy.example/api/agent/login/approve -H @- -d '{"userCode": "ABCD-EFGH"}'`,
    );
  });

  it.each([
    ["http://127.0.0.1:3000", "  npm run agents -- approve ABCD-EFGH --key key_…"],
    ["http://localhost:3000", "  npm run agents -- approve ABCD-EFGH --key key_…"],
    [
      "https://proxy.example/p",
      "  CODEWISE_URL=https://proxy.example/p npm run agents -- approve ABCD-EFGH --key key_…",
    ],
  ])("for the proxy at %s names it to the operator's command where that would not find it", (url, line) => {
    expect(approvalAt(url).split("\n")).toContain(line);
  });

  it.skipIf(process.platform === "win32")("is safe to paste, whatever the address has in it", () => {
    const url = "https://proxy.example/$HOME;echo 'x'";
    const line = approvalAt(url)
      .split("\n")
      .find((one) => one.includes("npm run agents"));
    const script = `${line?.replace(/npm run .*/, "") ?? ""} sh -c 'printf %s "$CODEWISE_URL"'`;
    expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe(url);
  });
});
