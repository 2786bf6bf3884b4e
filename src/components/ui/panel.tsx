import { useId, type ReactNode } from "react";
import styles from "./panel.module.css";

interface PanelProps {
  readonly title: string;
  /** Link target. */
  readonly id: string;
  /** A short fact beside the title, such as a count. */
  readonly aside?: ReactNode;
  /** Without the inner margin, for tables that reach the edges. */
  readonly flush?: boolean;
  readonly children: ReactNode;
}

/** One named section of the page. */
export function Panel({ title, id, aside, flush = false, children }: PanelProps) {
  const titleId = useId();
  return (
    <section id={id} aria-labelledby={titleId} className={styles["panel"]}>
      <header className={styles["header"]}>
        <h2 id={titleId}>{title}</h2>
        {aside !== undefined && <p className={styles["aside"]}>{aside}</p>}
      </header>
      <div className={flush ? styles["flush"] : styles["body"]}>{children}</div>
    </section>
  );
}
