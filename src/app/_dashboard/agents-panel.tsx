import { EmptyState } from "../../components/ui/empty-state.tsx";
import { Panel } from "../../components/ui/panel.tsx";
import type { Overview } from "../../lib/admin/types.ts";
import { AgentCard } from "./agent-card.tsx";
import { AgentStart } from "./agent-start.tsx";
import styles from "./agents-panel.module.css";
import { formatCount } from "./format.ts";
import type { ReceivedOverview } from "./use-overview.ts";

/** The agents and what each of them does. */
export function AgentsPanel({ overview, receivedAt }: ReceivedOverview) {
  const { agents } = overview.agents;
  const busy = agents.reduce((sum, agent) => sum + agent.inFlight, 0);
  const capacity = agents.reduce((sum, agent) => sum + agent.capacity, 0);
  return (
    <Panel
      id="agents"
      title="Agents"
      aside={agents.length > 0 && `${formatCount(busy)} of ${formatCount(capacity)} slots in use`}
    >
      {agents.length === 0 ? (
        <NoAgents overview={overview} />
      ) : (
        <ul className={styles["list"]}>
          {agents.map((agent) => (
            <AgentCard key={agent.id} agent={agent} now={overview.now} receivedAt={receivedAt} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function NoAgents({ overview }: { readonly overview: Overview }) {
  return (
    <EmptyState title="No agent is connected">
      <p>
        On the machine where <code>claude</code> is logged in, after <code>npm run agent -- login --url …</code> or with
        the proxy’s <code>AGENT_SECRET</code>, run:
      </p>
      <AgentStart label="Commands that start an agent" baseUrl={overview.baseUrl} />
    </EmptyState>
  );
}
