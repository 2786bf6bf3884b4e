"use client";

import { useEffect, useState } from "react";
import { Button } from "./button.tsx";
import { copyText } from "./copy-text.ts";
import styles from "./copy-button.module.css";

const CONFIRMATION_MS = 2000;

/** Copies `text` and says whether it worked. `what` completes the name: "Copy base URL". */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [outcome, setOutcome] = useState<"idle" | "copied" | "failed">("idle");

  useEffect(() => {
    if (outcome === "idle") return undefined;
    const timer = setTimeout(() => setOutcome("idle"), CONFIRMATION_MS);
    return () => clearTimeout(timer);
  }, [outcome]);

  const copy = (): void => {
    void copyText(text).then((copied) => setOutcome(copied ? "copied" : "failed"));
  };

  return (
    <>
      <Button size="small" onClick={copy}>
        <span className={styles["label"]}>{{ idle: "Copy", copied: "Copied", failed: "Failed" }[outcome]}</span>
        <span className="visually-hidden"> {what}</span>
      </Button>
      <output className="visually-hidden">
        {
          { idle: "", copied: `${what} copied`, failed: `${what} could not be copied; select the text instead` }[
            outcome
          ]
        }
      </output>
    </>
  );
}
