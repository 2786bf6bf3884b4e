import type { ReactNode } from "react";
import styles from "./notice.module.css";

/** A page that says one thing, in the middle of the window. */
export function Notice({ children }: { readonly children: ReactNode }) {
  return (
    <main id="content" className={styles.page} tabIndex={-1}>
      <div className={styles.card}>{children}</div>
    </main>
  );
}
