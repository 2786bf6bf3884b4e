import { Unknown } from "../../components/ui/unknown.tsx";
import styles from "./model-cell.module.css";

/** The model asked for and, where it is another, the model that served. Very long ids are cut, with the whole in the tooltip. */
export function ModelCell({
  requested,
  served,
}: {
  readonly requested: string | null;
  readonly served: string | null;
}) {
  return (
    <>
      {requested === null ? <Unknown /> : <ModelId id={requested} />}
      {served !== null && served !== requested && (
        <span className={styles["served"]}>
          <span aria-hidden="true">→ </span>
          <span className="visually-hidden">served by </span>
          <ModelId id={served} />
        </span>
      )}
    </>
  );
}

const SHOWN_CHARACTERS = 64;

function ModelId({ id }: { readonly id: string }) {
  if (id.length <= SHOWN_CHARACTERS) return <>{id}</>;
  return <span title={id}>{`${id.slice(0, SHOWN_CHARACTERS - 12)}…${id.slice(-10)}`}</span>;
}
