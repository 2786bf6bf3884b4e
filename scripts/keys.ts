/** `npm run keys -- create --name X | list | revoke ID | reset-admin`: the client keys of a proxy, running or not. */
import { Command } from "commander";
import { readEnv } from "../src/lib/env.ts";
import { proxyUrl } from "./admin/call-proxy.ts";
import { runProgram } from "./admin/run-program.ts";
import { formatKeys, formatNewKey } from "./keys/format.ts";
import { connectKeys, resetAdminKey, type KeysBackend } from "./keys/backend.ts";

async function withKeys(work: (keys: KeysBackend, url: string) => Promise<void>): Promise<void> {
  const env = readEnv();
  const url = proxyUrl(env);
  const keys = await connectKeys(env, url);
  try {
    await work(keys, url);
  } finally {
    await keys.close();
  }
}

const program = new Command("keys")
  .description("Makes, lists and revokes the keys of the proxy's clients.")
  .addHelpText(
    "after",
    "\nSpeaks to the proxy at CODEWISE_URL (default: port PORT, or 3000, of this machine) with CODEWISE_ADMIN_KEY; opens the database itself when none runs there.",
  )
  .exitOverride();

program
  .command("create")
  .description("make a key and print it, this once")
  .requiredOption("--name <name>", "what the key is for")
  .action(async ({ name }: { name: string }) => {
    await withKeys(async (keys, url) => {
      const created = await keys.create(name);
      console.error(`Made ${created.id} (${created.name}). The key is shown this once:`);
      console.log(formatNewKey(created.key, url));
    });
  });

program
  .command("list")
  .description("list all keys, newest first")
  .action(async () => {
    await withKeys(async (keys) => console.log(formatKeys(await keys.list())));
  });

program
  .command("revoke")
  .description("revoke a key for good")
  .argument("<id>", "the key's id, as `list` shows it")
  .action(async (id: string) => {
    await withKeys(async (keys) => {
      const before = (await keys.list()).find((key) => key.id === id);
      const revoked = await keys.revoke(id);
      const wasRevoked = before !== undefined && before.revokedAt !== null;
      console.error(
        wasRevoked
          ? `${revoked.id} (${revoked.name}) was already revoked at ${before.revokedAt}.`
          : `Revoked ${revoked.id} (${revoked.name}).`,
      );
    });
  });

program
  .command("reset-admin")
  .description("replace a lost admin key that the proxy generated (stop the proxy first)")
  .action(async () => {
    const key = await resetAdminKey(readEnv());
    console.error("Made a new admin key; it is shown this once and valid from the proxy's next start:");
    console.log(key);
  });

await runProgram(program);
