import type { ReactNode } from "react";
import styles from "./empty-state.module.css";

/** What to say where there is nothing to show: why, and what to do next. */
export function EmptyState({ title, children }: { readonly title?: string; readonly children: ReactNode }) {
  return (
    <div className={styles["empty"]}>
      {title !== undefined && <p className={styles["title"]}>{title}</p>}
      <div>{children}</div>
    </div>
  );
}
