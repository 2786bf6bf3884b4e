import type { HttpHandler } from "../http/context.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AdminAuthorizer } from "./authorize.ts";
import { Broadcaster } from "./broadcaster.ts";
import { buildOverview, type OverviewSources } from "./overview.ts";

export interface OverviewEvents {
  /** `GET /api/admin/events`: an `overview` event on connect, and after changes at most twice a second. */
  readonly handler: HttpHandler;
  /** Ends all streams. */
  close(): void;
}

export interface OverviewEventsOptions {
  readonly sources: OverviewSources;
  readonly authorizer: Pick<AdminAuthorizer, "requireAdmin">;
  readonly logger: Logger;
  readonly intervalMs?: number;
  readonly keepAliveMs?: number;
  readonly maxSubscribers?: number;
}

/** Streams the overview to dashboards. */
export function createOverviewEvents({ sources, authorizer, ...options }: OverviewEventsOptions): OverviewEvents {
  const broadcaster = new Broadcaster({
    ...options,
    eventName: "overview",
    build: async () => JSON.stringify(await buildOverview(sources)),
  });
  const onChange = (): void => broadcaster.changed();
  const unsubscribers = [sources.live.subscribe(onChange), sources.agents.subscribe(onChange)];
  return {
    async handler(context) {
      authorizer.requireAdmin(context);
      await broadcaster.subscribe(context);
    },
    close() {
      for (const unsubscribe of unsubscribers) unsubscribe();
      broadcaster.close();
    },
  };
}
