import { CopyButton } from "./copy-button.tsx";
import styles from "./code-block.module.css";

/** Text to copy, with a button that does it. Scrolls sideways on its own; `label` names it for screen readers. */
export function CodeBlock({ label, code }: { readonly label: string; readonly code: string }) {
  return (
    <div className={styles["block"]}>
      {/* A region that scrolls must take the focus, or the keyboard cannot scroll it (WCAG 2.1.1). */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <section className={styles["code"]} aria-label={label} tabIndex={0}>
        <pre>{code}</pre>
      </section>
      <CopyButton text={code} what={label} />
    </div>
  );
}
