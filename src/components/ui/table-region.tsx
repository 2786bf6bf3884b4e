import { useId, type ReactNode } from "react";
import styles from "./table-region.module.css";

interface TableRegionProps {
  /** Read by screen readers as the table's caption and as the scrolling region's name. */
  readonly caption: string;
  /** `short` takes the height of what it stands in, `tall` grows up to most of the window: rows come and go inside. */
  readonly height?: "short" | "tall";
  /** Smallest width of the table, below which the region scrolls sideways. */
  readonly width: "narrow" | "wide";
  /** `colgroup`, `thead` and `tbody`. */
  readonly children: ReactNode;
}

/** A table in a scrolling region of its own that the keyboard can reach. */
export function TableRegion({ caption, height = "tall", width, children }: TableRegionProps) {
  const captionId = useId();
  return (
    // A region that scrolls must take the focus, or the keyboard cannot scroll it (WCAG 2.1.1).
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className={`${styles["region"]} ${styles[height]}`} aria-labelledby={captionId} tabIndex={0}>
      <table className={`${styles["table"]} ${styles[width]}`}>
        <caption id={captionId} className="visually-hidden">
          {caption}
        </caption>
        {children}
      </table>
    </section>
  );
}
