import { count, sum } from "drizzle-orm";
import { openDatabase } from "../../lib/db/client.ts";
import { defaultMigrationsDirectory } from "../../lib/db/migrations-directory.ts";
import { requests } from "../../lib/db/schema/requests.ts";
import { silentLogger } from "../../lib/telemetry/logger.ts";

export interface LoggedTokens {
  readonly rows: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What the request log of a stopped proxy holds. */
export async function readLoggedTokens(place: {
  readonly databaseUrl: string | undefined;
  readonly dataDirectory: string;
}): Promise<LoggedTokens> {
  const database = await openDatabase({
    ...place,
    migrationsDirectory: defaultMigrationsDirectory(),
    logger: silentLogger,
  });
  try {
    const [totals] = await database.db
      .select({
        rows: count(),
        promptTokens: sum(requests.promptTokens),
        completionTokens: sum(requests.completionTokens),
      })
      .from(requests);
    return {
      rows: totals?.rows ?? 0,
      promptTokens: Number(totals?.promptTokens ?? 0),
      completionTokens: Number(totals?.completionTokens ?? 0),
    };
  } finally {
    await database.close();
  }
}
