import { memo } from "react";
import { StatusBadge, type Tone } from "../../components/ui/status-badge.tsx";
import { Unknown } from "../../components/ui/unknown.tsx";
import type { RequestView } from "../../lib/admin/types.ts";
import { formatCount, formatTime, formatTokens } from "./format.ts";
import { ModelCell } from "./model-cell.tsx";
import styles from "./requests-panel.module.css";

interface RequestRowProps {
  readonly request: RequestView;
  /** The server's day, as `Date.toDateString` writes it. */
  readonly today: string;
}

// A row never changes once its request has ended, but arrives again with every event.
export const RequestRow = memo(
  Row,
  (before, after) => before.request.id === after.request.id && before.today === after.today,
);

function Row({ request, today }: RequestRowProps) {
  return (
    <tr>
      <th scope="row">
        <time dateTime={request.createdAt} title={new Date(request.createdAt).toLocaleString()}>
          {formatTime(request.createdAt, today)}
        </time>
      </th>
      <td>{request.keyName ?? <Unknown what="no key" />}</td>
      <td>
        <ModelCell requested={request.requestedModel} served={request.servedModel} />
      </td>
      <td>{request.provider ?? <Unknown what="none" />}</td>
      <td>{request.agentId ?? <Unknown what="none" />}</td>
      <td>
        <StatusBadge tone={statusTone(request)}>{request.status}</StatusBadge>{" "}
        <span className={styles["beside"]}>{request.streamed ? "streamed" : "whole"}</span>
        {request.errorCode !== null && <code className={styles["below"]}>{request.errorCode}</code>}
        {request.clientGone && <span className={styles["below"]}>client gone</span>}
      </td>
      <Tokens
        value={request.promptTokens}
        part={request.cachedTokens}
        partName="cached"
        estimated={request.tokensEstimated}
      />
      <Tokens
        value={request.completionTokens}
        part={request.reasoningTokens}
        partName="reasoning"
        estimated={request.tokensEstimated}
      />
      <td className={styles["numeric"]}>
        {request.firstTokenMs === null ? <Unknown what="none" /> : formatCount(request.firstTokenMs)}
      </td>
      <td className={styles["numeric"]}>{formatCount(request.totalMs)}</td>
    </tr>
  );
}

interface TokensProps {
  readonly value: number | null;
  /** How many of `value` are of the kind `partName`; left out where that is not known. */
  readonly part: number | null;
  readonly partName: string;
  readonly estimated: boolean;
}

function Tokens({ value, part, partName, estimated }: TokensProps) {
  const partText = formatTokens(part, estimated);
  return (
    <td className={styles["numeric"]}>
      {formatTokens(value, estimated) ?? <Unknown />}
      {partText !== undefined && <span className={styles["below"]}>{`${partText} ${partName}`}</span>}
    </td>
  );
}

function statusTone({ status, clientGone }: RequestView): Tone {
  if (clientGone) return "quiet";
  if (status < 400) return "good";
  return status < 500 ? "warn" : "bad";
}
