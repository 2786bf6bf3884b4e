import styles from "./brand-mark.module.css";

/** The mark of the product; decoration beside its name. */
export function BrandMark() {
  return (
    <svg className={styles["mark"]} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path d="M13 9 6.5 16 13 23M19 9l6.5 7L19 23" />
    </svg>
  );
}
