import type { ReactNode } from "react";
import styles from "./status-badge.module.css";

export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

/** A state in words, with a colour and a mark of the same meaning. */
export function StatusBadge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return <span className={`${styles["badge"]} ${styles[tone]}`}>{children}</span>;
}
