"use client";

import { Stat, StatList } from "../../components/ui/stat.tsx";
import type { Overview } from "../../lib/admin/types.ts";
import { formatCount, plural } from "./format.ts";
import { useSettled } from "./use-settled.ts";

/** Screen readers hear changed counts at most this often: a busy proxy would talk without end. */
const ANNOUNCE_MS = 5000;

/** The figures that say at a glance whether all is well. */
export function Summary({ overview }: { readonly overview: Overview }) {
  const { agents, database, inFlight, providers, requests } = overview;
  const ready = agents.agents.filter((agent) => agent.state === "ready").length;
  const failed = requests.filter((request) => request.status >= 400 && !request.clientGone).length;
  const available = providers.filter((provider) => provider.available).length;
  const announcement = useSettled(
    `${plural(ready, "agent")} ready, ${plural(inFlight.length, "request")} in flight, ${failed} of the last ${requests.length} failed.`,
    ANNOUNCE_MS,
  );

  return (
    <>
      <p className="visually-hidden" aria-live="polite">
        {announcement}
      </p>
      <StatList label="Summary">
        <Stat name="Agents ready" value={formatCount(ready)} detail={`of ${agents.agents.length} known`} />
        <Stat
          name="In flight"
          value={formatCount(inFlight.length)}
          detail={`${formatCount(agents.queuedRequests)} waiting for an agent`}
        />
        <Stat
          name="Failed"
          value={formatCount(failed)}
          detail={`of the last ${plural(requests.length, "request")}`}
          alarming={failed > 0 && failed * 2 >= requests.length}
        />
        <Stat
          name="Providers available"
          value={formatCount(available)}
          detail={`of ${providers.length} set up`}
          alarming={available === 0}
        />
        <Stat
          name="Database"
          value={database.kind === "embedded" ? "Embedded" : "PostgreSQL"}
          detail={describeDatabase(database)}
          alarming={!database.reachable}
        />
      </StatList>
    </>
  );
}

function describeDatabase({ reachable, droppedRecords }: Overview["database"]): string {
  const lost = droppedRecords === 0 ? "" : `; ${plural(droppedRecords, "log row")} lost`;
  return reachable ? `reachable${lost}` : `away: requests go on, log rows wait${lost}`;
}
