/**
 * Agents in one process: the project's own agent code and link, with {@link createPacedExecutor} in place of a CLI. Told
 * on stdin by one line of JSON; prints `listens on <url>` of its counts once all are connected.
 */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { z } from "zod";
import { CodewiseAgent } from "../../agent/src/agent.ts";
import { createProxyClient } from "../../agent/src/http-client.ts";
import { createLogger } from "../../agent/src/logger.ts";
import { sleep } from "../../agent/src/timing.ts";
import { serveConnection } from "../upstream/connection.ts";
import { noCounts } from "../upstream/counts.ts";
import { Pacer } from "../upstream/pacer.ts";
import { createPacedExecutor } from "./paced-executor.ts";

const settingsSchema = z.object({
  url: z.string(),
  secret: z.string(),
  model: z.string(),
  agents: z.int(),
  maxConcurrency: z.int(),
});

const [line] = (await once(createInterface(process.stdin), "line")) as [string];
const settings = settingsSchema.parse(JSON.parse(line));
const pacer = new Pacer();
const counts = noCounts();
const logger = createLogger("warn", ({ message, fields }) => {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
});

function startAgent(number: number): Promise<void> {
  const connected = Promise.withResolvers<void>();
  const agent = new CodewiseAgent({
    client: createProxyClient({ url: settings.url, secret: settings.secret, agentId: `bench-${number}` }),
    executors: [createPacedExecutor(settings.model, pacer, counts)],
    logger,
    maxConcurrency: settings.maxConcurrency,
    drainTimeoutMs: 0,
    sleep,
    random: Math.random,
    now: () => performance.now(),
    onChange: () => {
      if (agent.view().connection.kind === "connected") connected.resolve();
    },
  });
  void agent.run().then(({ message }) => {
    process.stderr.write(`an agent ended: ${message ?? "no reason"}\n`);
    process.exit(1);
  });
  return connected.promise;
}

await Promise.all(Array.from({ length: settings.agents }, (_, index) => startAgent(index + 1)));
const server = createServer((socket) => serveConnection(socket, pacer, counts));
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
