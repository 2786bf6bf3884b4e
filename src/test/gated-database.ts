import { onTestFinished } from "vitest";
import type { Database } from "../lib/db/client.ts";
import { createTcpGate, type TcpGate } from "./tcp-gate.ts";
import { createTestDatabase } from "./test-database.ts";

/** A migrated PostgreSQL database behind a gate that can be shut, stalled and opened; removed when the test has ended. */
export async function openGatedDatabase(): Promise<{ readonly database: Database; readonly gate: TcpGate }> {
  const test = await createTestDatabase("postgres");
  const url = new URL(test.options.databaseUrl ?? "");
  const gate = await createTcpGate({ host: url.hostname, port: Number(url.port || 5432) });
  url.hostname = "127.0.0.1";
  url.port = String(gate.port);
  const database = await test.open({ databaseUrl: url.href });
  onTestFinished(async () => {
    await database.close();
    await gate.close();
    await test.remove();
  });
  await database.migrate();
  return { database, gate };
}
