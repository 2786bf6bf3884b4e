import type { AgentStatus } from "../agent/types.ts";
import type { Database } from "../db/client.ts";
import type { HttpHandler } from "../http/context.ts";
import { sendJson } from "../http/respond.ts";
import type { LLMProvider } from "../providers/types.ts";
import type { LiveRequest, LiveRequests } from "../usage/live-requests.ts";
import type { LogWriter } from "../usage/log-writer.ts";
import type { RequestRecord } from "../usage/record.ts";
import type { AdminAuthorizer } from "./authorize.ts";
import type { LiveRequestView, Overview, RequestView } from "./types.ts";

/** Where the overview comes from. */
export interface OverviewSources {
  readonly live: Pick<LiveRequests, "inFlight" | "recent" | "subscribe">;
  readonly agents: { status(): AgentStatus; subscribe(listener: () => void): () => void };
  readonly providers: readonly LLMProvider[];
  readonly database: Pick<Database, "kind" | "isReachable">;
  readonly logWriter: Pick<LogWriter, "dropped">;
  readonly version: string;
  /** Base URL for an OpenAI client, ending in `/v1`. */
  baseUrl(): string;
}

function toRequestView(record: RequestRecord): RequestView {
  const { createdAtMs, keyId: _keyId, costUsd: _costUsd, attempts: _attempts, ...shown } = record;
  return { ...shown, createdAt: new Date(createdAtMs).toISOString() };
}

function toLiveView({ createdAtMs, ...shown }: LiveRequest, nowMs: number): LiveRequestView {
  const createdAt = new Date(createdAtMs).toISOString();
  return { ...shown, createdAt, ageMs: Math.max(0, Math.round(nowMs - createdAtMs)) };
}

async function toProviderView(provider: LLMProvider): Promise<Overview["providers"][number]> {
  const models = await provider.getModels();
  return { id: provider.id, available: provider.isAvailable(), models: models.map((model) => model.id) };
}

/** Everything the dashboard shows, as it is now. Holds no bodies and no secrets. */
export async function buildOverview(sources: OverviewSources): Promise<Overview> {
  const [providers, reachable] = await Promise.all([
    Promise.all(sources.providers.map(toProviderView)),
    sources.database.isReachable(),
  ]);
  const nowMs = Date.now();
  return {
    now: new Date(nowMs).toISOString(),
    version: sources.version,
    baseUrl: sources.baseUrl(),
    database: { kind: sources.database.kind, reachable, droppedRecords: sources.logWriter.dropped },
    agents: sources.agents.status(),
    providers,
    inFlight: sources.live.inFlight().map((request) => toLiveView(request, nowMs)),
    requests: sources.live.recent().map(toRequestView),
  };
}

/** `GET /api/admin/overview`. */
export function createOverviewHandler(
  sources: OverviewSources,
  authorizer: Pick<AdminAuthorizer, "requireAdmin">,
): HttpHandler {
  return async (context) => {
    authorizer.requireAdmin(context);
    sendJson(context.response, 200, await buildOverview(sources));
  };
}
