import type { ReactNode } from "react";
import styles from "./stat.module.css";

/** A row of figures that matter. */
export function StatList({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <section aria-label={label}>
      <dl className={styles["list"]}>{children}</dl>
    </section>
  );
}

interface StatProps {
  readonly name: string;
  readonly value: ReactNode;
  readonly detail: ReactNode;
  readonly alarming?: boolean;
}

/** One figure, its name and what it is measured against. */
export function Stat({ name, value, detail, alarming = false }: StatProps) {
  return (
    <div className={styles["stat"]}>
      <dt>{name}</dt>
      <dd className={alarming ? styles["alarming"] : styles["value"]}>{value}</dd>
      <dd className={styles["detail"]}>{detail}</dd>
    </div>
  );
}
