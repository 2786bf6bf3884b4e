import { CodeBlock } from "../../components/ui/code-block.tsx";
import { Panel } from "../../components/ui/panel.tsx";
import { Tabs } from "../../components/ui/tabs.tsx";
import type { Overview } from "../../lib/admin/types.ts";
import { AgentStart } from "./agent-start.tsx";
import { chooseExampleModel, clientExamples, CREATE_KEY_COMMAND, exportLines } from "./client-examples.ts";
import styles from "./connect-panel.module.css";

/** The address and examples that an OpenAI client needs, and how to start an agent. */
export function ConnectPanel({ overview }: { readonly overview: Overview }) {
  const model = chooseExampleModel(
    overview.providers.filter((provider) => provider.available).flatMap((provider) => provider.models),
  );
  return (
    <Panel id="connect" title="Connect a client">
      <ol className={styles["steps"]}>
        <li>
          <h3>Make a client key</h3>
          <p>
            On the proxy’s machine, with the admin key in place of <code>…</code>. The new key is shown once.
          </p>
          <CodeBlock label="Command that makes a client key" code={CREATE_KEY_COMMAND} />
        </li>
        <li>
          <h3>Point any OpenAI client at this proxy</h3>
          <p>
            The base URL is <code>{overview.baseUrl}</code>.
          </p>
          <CodeBlock label="Variables for an OpenAI client" code={exportLines(overview.baseUrl)} />
        </li>
        <li>
          <h3>Ask</h3>
          <Tabs
            label="Example in"
            tabs={clientExamples(model).map(({ id, title, code }) => ({
              id,
              title,
              content: <CodeBlock label={`${title} example`} code={code} />,
            }))}
          />
        </li>
        <li>
          <h3>Add an agent</h3>
          <p>
            On a machine where <code>claude</code> is logged in, after <code>npm run agent -- login --url …</code> or
            with the proxy’s <code>AGENT_SECRET</code>.
          </p>
          <AgentStart label="Commands that start one more agent" baseUrl={overview.baseUrl} />
        </li>
      </ol>
    </Panel>
  );
}
