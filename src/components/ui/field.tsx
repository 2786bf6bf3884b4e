import { useId, type ComponentProps, type ReactNode } from "react";
import styles from "./field.module.css";

type FieldProps = Omit<ComponentProps<"input">, "id" | "className"> & {
  readonly label: string;
  readonly hint?: ReactNode;
  /** Said at once to screen readers, and tied to the input. The room for one line is always kept. */
  readonly error?: string | undefined;
};

/** A labelled text input with a hint and an error. */
export function Field({ label, hint, error, ...input }: FieldProps) {
  const id = useId();
  const described = [hint === undefined ? "" : `${id}-hint`, error === undefined ? "" : `${id}-error`].join(" ").trim();
  return (
    <div className={styles["field"]}>
      <label htmlFor={id}>{label}</label>
      {hint !== undefined && (
        <p id={`${id}-hint`} className={styles["hint"]}>
          {hint}
        </p>
      )}
      <input
        {...input}
        id={id}
        className={styles["input"]}
        aria-invalid={error !== undefined}
        aria-describedby={described === "" ? undefined : described}
      />
      <p id={`${id}-error`} className={styles["error"]} role="alert">
        {error}
      </p>
    </div>
  );
}
