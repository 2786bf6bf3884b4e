import type { ReactNode } from "react";
import { CopyButton } from "./copy-button.tsx";
import styles from "./code-block.module.css";

interface CodeBlockProps {
  /** Names the text for screen readers, in the copy button's name. */
  readonly label: string;
  /** What the button copies. */
  readonly code: string;
  /** What is shown instead of `code`, such as the same with comments. */
  readonly children?: ReactNode;
}

/** Text to copy, with a button that does it. Long lines wrap, so that all of it is in sight. */
export function CodeBlock({ label, code, children = code }: CodeBlockProps) {
  return (
    <div className={styles["block"]}>
      <pre className={styles["code"]}>{children}</pre>
      <CopyButton text={code} what={label} />
    </div>
  );
}
