import { EmptyState } from "../../components/ui/empty-state.tsx";
import { Panel } from "../../components/ui/panel.tsx";
import { StatusBadge, type Tone } from "../../components/ui/status-badge.tsx";
import { TableRegion } from "../../components/ui/table-region.tsx";
import { Unknown } from "../../components/ui/unknown.tsx";
import type { LiveRequestView } from "../../lib/admin/types.ts";
import { Age } from "./age.tsx";
import { formatCount } from "./format.ts";
import styles from "./in-flight-panel.module.css";
import { ModelCell } from "./model-cell.tsx";
import type { ReceivedOverview } from "./use-overview.ts";

const PHASES: Record<LiveRequestView["phase"], { readonly tone: Tone; readonly text: string }> = {
  routing: { tone: "quiet", text: "Routing" },
  waiting: { tone: "warn", text: "Waiting" },
  streaming: { tone: "info", text: "Streaming" },
};

/** The requests that have not ended yet, oldest first. */
export function InFlightPanel({ overview, receivedAt }: ReceivedOverview) {
  const requests = overview.inFlight.toSorted((a, b) => b.ageMs - a.ageMs);
  return (
    <Panel id="in-flight" title="Requests in flight" aside={formatCount(requests.length)} flush>
      <div className={styles["room"]}>
        {requests.length === 0 ? (
          <div className={styles["empty"]}>
            <EmptyState title="Nothing is running">
              <p>
                A request shows up here the moment it arrives. <a href="#connect">Connect a client</a> to send one.
              </p>
            </EmptyState>
          </div>
        ) : (
          <TableRegion caption="Requests in flight" height="short" width="narrow">
            <colgroup>
              <col className={styles["age"]} />
              <col className={styles["phase"]} />
              <col />
              <col className={styles["provider"]} />
              <col className={styles["key"]} />
            </colgroup>
            <thead>
              <tr>
                <th scope="col">Age</th>
                <th scope="col">Phase</th>
                <th scope="col">Model</th>
                <th scope="col">
                  Provider <span className={styles["light"]}>and agent</span>
                </th>
                <th scope="col">Key</th>
              </tr>
            </thead>
            <tbody>
              {requests.map((request) => (
                <tr key={request.id}>
                  <td>
                    <Age ageMs={request.ageMs} receivedAt={receivedAt} />
                  </td>
                  <td>
                    <StatusBadge tone={PHASES[request.phase].tone}>{PHASES[request.phase].text}</StatusBadge>
                  </td>
                  <th scope="row">
                    <ModelCell requested={request.requestedModel} served={request.servedModel} />
                  </th>
                  <td>
                    {request.provider ?? <Unknown what="not chosen yet" />}
                    {request.agentId !== null && <span className={styles["agent"]}>{request.agentId}</span>}
                  </td>
                  <td>{request.keyName ?? <Unknown />}</td>
                </tr>
              ))}
            </tbody>
          </TableRegion>
        )}
      </div>
    </Panel>
  );
}
