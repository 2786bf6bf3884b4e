import type { AgentView } from "./agent-card.tsx";
import styles from "./agent-work.module.css";
import { Age } from "./age.tsx";
import { formatCount, plural } from "./format.ts";

/** Up to this capacity each slot has a line of its own, so that work may come and go without moving the page. */
const MAX_SLOT_LINES = 8;

/** What an agent runs, slot by slot. */
export function AgentWork({ agent, receivedAt }: { readonly agent: AgentView; readonly receivedAt: number }) {
  const free = Math.max(0, agent.capacity - agent.requests.length);
  const freeLines = Math.max(0, Math.min(agent.capacity, MAX_SLOT_LINES) - agent.requests.length);
  return (
    <div>
      <p className={styles["count"]}>
        {formatCount(agent.inFlight)} of {plural(agent.capacity, "slot")} in use
      </p>
      <ul className={styles["slots"]} aria-label={`Work of ${agent.id}`}>
        {agent.requests.map((request) => (
          <li key={request.requestId} className={styles["busy"]}>
            <span className={styles["model"]}>{request.model}</span>
            <span className={styles["figure"]}>{plural(request.deltas, "delta")}</span>
            <span className={styles["figure"]}>
              <Age ageMs={request.ageMs} receivedAt={receivedAt} />
            </span>
          </li>
        ))}
        {Array.from({ length: freeLines }, (_, index) => (
          <li key={`free ${index}`} className={styles["free"]} aria-hidden="true">
            free
          </li>
        ))}
        {free > freeLines && <li className={styles["free"]}>{plural(free - freeLines, "more free slot")}</li>}
      </ul>
    </div>
  );
}
