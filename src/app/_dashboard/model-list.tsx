import { plural } from "./format.ts";
import styles from "./model-list.module.css";

const SHOWN = 6;

/** Model ids as text; a long list keeps its tail behind a switch. */
export function ModelList({ models }: { readonly models: readonly string[] }) {
  if (models.length === 0) return <>none</>;
  if (models.length <= SHOWN) return <>{models.join(", ")}</>;
  return (
    <details className={styles["more"]}>
      <summary>{plural(models.length, "model")}</summary>
      {models.join(", ")}
    </details>
  );
}
