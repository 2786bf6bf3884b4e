import { StatusBadge, type Tone } from "../../components/ui/status-badge.tsx";
import type { Overview } from "../../lib/admin/types.ts";
import styles from "./agent-card.module.css";
import { Age } from "./age.tsx";
import { formatRoundTrip } from "./format.ts";
import { AgentWork } from "./agent-work.tsx";
import { ModelList } from "./model-list.tsx";

export type AgentView = Overview["agents"]["agents"][number];

const STATES: Record<AgentView["state"], { readonly tone: Tone; readonly text: string }> = {
  ready: { tone: "good", text: "Ready" },
  connecting: { tone: "info", text: "Connecting" },
  draining: { tone: "warn", text: "Draining: takes no new work" },
  resuming: { tone: "warn", text: "Connection lost: waiting for it" },
};

interface AgentCardProps {
  readonly agent: AgentView;
  /** Server clock, ISO 8601. */
  readonly now: string;
  readonly receivedAt: number;
}

/** One agent: its state in words, its CLIs, its link and its slots. */
export function AgentCard({ agent, now, receivedAt }: AgentCardProps) {
  const { tone, text } = STATES[agent.state];
  const connectedMs = Date.parse(now) - Date.parse(agent.connectedSince);
  return (
    <li className={styles["card"]}>
      <div className={styles["head"]}>
        <h3>{agent.id}</h3>
        <StatusBadge tone={tone}>{text}</StatusBadge>
      </div>
      <ul className={styles["clis"]}>
        {agent.clis.map((cli) => (
          <li key={cli.name}>
            <StatusBadge tone={cli.ready ? "good" : "bad"}>
              {cli.name} {cli.version} {cli.ready ? "ready" : "not ready"}
            </StatusBadge>
            {!cli.ready && <span className={styles["reason"]}>{cli.reason ?? "The agent gave no reason."}</span>}
          </li>
        ))}
        {agent.clis.length === 0 && <li className={styles["facts"]}>It has not yet said which CLIs it has.</li>}
      </ul>
      <dl className={styles["facts"]}>
        <div>
          <dt>Agent</dt>
          <dd>
            {agent.version}
            {agent.platform !== null && ` on ${agent.platform}`}
          </dd>
        </div>
        <div>
          <dt>Round trip</dt>
          <dd>{agent.roundTripMs === null ? "not measured yet" : formatRoundTrip(agent.roundTripMs)}</dd>
        </div>
        <div>
          <dt>Connected for</dt>
          <dd>
            <Age ageMs={Number.isNaN(connectedMs) ? 0 : connectedMs} receivedAt={receivedAt} />
          </dd>
        </div>
        <div>
          <dt>Serves</dt>
          <dd>{agent.share === "all" || agent.owner === null ? "every key" : `only the key ${agent.owner.name}`}</dd>
        </div>
        <div>
          <dt>Models</dt>
          <dd>
            <ModelList models={agent.models} />
          </dd>
        </div>
      </dl>
      <AgentWork agent={agent} receivedAt={receivedAt} />
    </li>
  );
}
