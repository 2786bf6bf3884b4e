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
        <StatusBadge tone={statusTone(request)}>{request.status}</StatusBadge>
        {request.errorCode !== null && <code className={styles["code"]}>{request.errorCode}</code>}
      </td>
      <Tokens value={request.promptTokens} estimated={request.tokensEstimated} />
      <Tokens value={request.completionTokens} estimated={request.tokensEstimated} />
      <Tokens value={request.cachedTokens} estimated={request.tokensEstimated} />
      <Tokens value={request.reasoningTokens} estimated={request.tokensEstimated} />
      <td className={styles["numeric"]}>
        {request.firstTokenMs === null ? <Unknown what="none" /> : formatCount(request.firstTokenMs)}
      </td>
      <td className={styles["numeric"]}>{formatCount(request.totalMs)}</td>
      <td>
        {request.streamed ? "streamed" : "whole"}
        {request.clientGone && <span className={styles["code"]}>client gone</span>}
      </td>
    </tr>
  );
}

function Tokens({ value, estimated }: { readonly value: number | null; readonly estimated: boolean }) {
  const text = formatTokens(value, estimated);
  return <td className={styles["numeric"]}>{text ?? <Unknown />}</td>;
}

function statusTone({ status, clientGone }: RequestView): Tone {
  if (clientGone) return "quiet";
  if (status < 400) return "good";
  return status < 500 ? "warn" : "bad";
}
