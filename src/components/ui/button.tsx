import type { ComponentProps } from "react";
import styles from "./button.module.css";

type ButtonProps = Omit<ComponentProps<"button">, "className"> & {
  readonly look?: "primary" | "plain";
  readonly size?: "small" | "normal";
};

/** A real button; `type="button"` unless told otherwise. */
export function Button({ look = "plain", size = "normal", type = "button", ...rest }: ButtonProps) {
  return <button {...rest} type={type} className={`${styles["button"]} ${styles[look]} ${styles[size]}`} />;
}
