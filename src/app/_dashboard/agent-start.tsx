import { CodeBlock } from "../../components/ui/code-block.tsx";
import styles from "./agent-start.module.css";
import { agentCommand } from "./client-examples.ts";

interface AgentStartProps {
  /** Names the commands for screen readers. */
  readonly label: string;
  /** The API's address, which ends in `/v1`. */
  readonly baseUrl: string;
}

/** The commands that start an agent, and where to run them. */
export function AgentStart({ label, baseUrl }: AgentStartProps) {
  const { secret, secretComment, start } = agentCommand(baseUrl);
  return (
    <>
      <CodeBlock label={label} code={`${secret}\n${start}`}>
        {secret}
        <span className={styles["comment"]}>{`  ${secretComment}`}</span>
        {`\n${start}`}
      </CodeBlock>
      <p>
        From a clone of the repository, or from the package that <code>npm pack -w agent</code> makes:{" "}
        <code>npx ./codewise-agent-&lt;version&gt;.tgz --url …</code>
      </p>
    </>
  );
}
