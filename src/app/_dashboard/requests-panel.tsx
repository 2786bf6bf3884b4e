import type { ReactNode } from "react";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { Panel } from "../../components/ui/panel.tsx";
import { TableRegion } from "../../components/ui/table-region.tsx";
import type { RequestView } from "../../lib/admin/types.ts";
import { formatCount } from "./format.ts";
import { RequestRow } from "./request-row.tsx";
import styles from "./requests-panel.module.css";

interface RequestsPanelProps {
  /** Newest first. */
  readonly requests: readonly RequestView[];
  /** Server clock, ISO 8601. */
  readonly now: string;
}

/** The last requests that ended, newest first. */
export function RequestsPanel({ requests, now }: RequestsPanelProps) {
  const today = new Date(now).toDateString();
  return (
    <Panel id="requests" title="Last requests" aside={formatCount(requests.length)} flush={requests.length > 0}>
      {requests.length === 0 ? (
        <EmptyState title="No request has been answered yet">
          <p>
            <a href="#connect">Connect a client</a>: its requests are listed here with model, tokens and times.
          </p>
        </EmptyState>
      ) : (
        <TableRegion caption="The last requests, newest first" width="wide">
          <colgroup>
            <col className={styles["time"]} />
            <col className={styles["key"]} />
            <col />
            <col className={styles["provider"]} />
            <col className={styles["agent"]} />
            <col className={styles["status"]} />
            <col className={styles["tokens"]} span={2} />
            <col className={styles["ms"]} span={2} />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Key</th>
              <th scope="col">
                Model asked <span className={styles["light"]}>→ served</span>
              </th>
              <th scope="col">Provider</th>
              <th scope="col">Agent</th>
              <th scope="col">
                Status <span className={styles["light"]}>and delivery</span>
              </th>
              <Numeric>
                Prompt tokens <span className={styles["light"]}>and cached</span>
              </Numeric>
              <Numeric>
                Completion tokens <span className={styles["light"]}>and reasoning</span>
              </Numeric>
              <Numeric>First token, ms</Numeric>
              <Numeric>Total, ms</Numeric>
            </tr>
          </thead>
          <tbody>
            {requests.map((request) => (
              <RequestRow key={request.id} request={request} today={today} />
            ))}
          </tbody>
        </TableRegion>
      )}
    </Panel>
  );
}

function Numeric({ children }: { readonly children: ReactNode }) {
  return (
    <th scope="col" className={styles["numeric"]}>
      {children}
    </th>
  );
}
