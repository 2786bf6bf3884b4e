/** `npm run agents -- list | pending | approve CODE --key ID | deny CODE | revoke ID`: the enrolled agents of a running proxy. */
import { Command, Option } from "commander";
import { z } from "zod";
import { agentEnrolmentListSchema, agentEnrolmentViewSchema, pendingLoginsSchema } from "../src/lib/admin/types.ts";
import { approvedSchema, shareSchema, type Share } from "../src/lib/agent/types-login.ts";
import { readEnv } from "../src/lib/env.ts";
import { createAdminClient, proxyUrl, requireAdminKey } from "./admin/call-proxy.ts";
import { runProgram } from "./admin/run-program.ts";
import { formatAgents, formatLogins } from "./agents/format.ts";

/** A caller of the admin API of the proxy that the environment names. */
function connect() {
  const env = readEnv();
  const url = proxyUrl(env);
  return createAdminClient(url, requireAdminKey(env, url));
}

const loginPath = (code: string): string => `/api/admin/agent-logins/${encodeURIComponent(code)}`;

const program = new Command("agents")
  .description("Lists, approves, denies and revokes the agents that log in at the proxy.")
  .addHelpText(
    "after",
    "\nSpeaks to the running proxy at CODEWISE_URL (default: port PORT, or 3000, of this machine) with CODEWISE_ADMIN_KEY.",
  )
  .exitOverride();

program
  .command("list")
  .description("list all enrolled agents, newest first")
  .action(async () => {
    console.log(formatAgents((await connect()(agentEnrolmentListSchema, "GET", "/api/admin/agents")).agents));
  });

program
  .command("pending")
  .description("list the logins that wait for approval")
  .action(async () => {
    console.log(formatLogins((await connect()(pendingLoginsSchema, "GET", "/api/admin/agent-logins")).logins));
  });

program
  .command("approve")
  .description("let the agent in that shows this code")
  .argument("<code>", "the code that codewise-agent login shows")
  .requiredOption("--key <key id>", "the client key that the agent belongs to, as `npm run keys -- list` shows it")
  .addOption(
    new Option("--share <share>", "whose requests it serves: those of its owner's key, or of all keys")
      .choices(shareSchema.options)
      .default("owner" satisfies Share),
  )
  .action(async (code: string, { key, share }: { key: string; share: Share }) => {
    const approved = await connect()(approvedSchema, "POST", loginPath(code), { keyId: key, share });
    const served = approved.share === "all" ? "all keys" : "this key only";
    const { agentId, version, platform, remoteAddress } = approved;
    console.error(
      `Approved ${agentId} (${version}, ${platform}, ${remoteAddress}) for ${approved.keyId}; it serves ${served}.`,
    );
  });

program
  .command("deny")
  .description("turn the agent away that shows this code")
  .argument("<code>", "the code that codewise-agent login shows")
  .action(async (code: string) => {
    await connect()(z.undefined(), "DELETE", loginPath(code));
    console.error("Denied.");
  });

program
  .command("revoke")
  .description("revoke an enrolled agent for good; its connection ends at once")
  .argument("<id>", "the enrolment's id, as `list` shows it")
  .action(async (id: string) => {
    const path = `/api/admin/agents/${encodeURIComponent(id)}`;
    const revoked = await connect()(agentEnrolmentViewSchema, "DELETE", path);
    console.error(`Revoked ${revoked.id} (${revoked.agentId}).`);
  });

await runProgram(program);
