"use client";

import { useId, useRef, type ReactNode } from "react";
import styles from "./table-region.module.css";
import { useHiddenSides } from "./use-hidden-sides.ts";

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

/** A table in a scrolling region of its own that the keyboard can reach; shadows show at which sides it goes on. */
export function TableRegion({ caption, height = "tall", width, children }: TableRegionProps) {
  const captionId = useId();
  const region = useRef<HTMLElement>(null);
  const hidden = useHiddenSides(region);
  return (
    <div className={styles["frame"]} data-hidden-sides={hidden}>
      <section
        ref={region}
        className={`${styles["region"]} ${styles[height]}`}
        aria-labelledby={captionId}
        // A region that scrolls must take the focus, or the keyboard cannot scroll it (WCAG 2.1.1).
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
      >
        <table className={`${styles["table"]} ${styles[width]}`}>
          <caption id={captionId} className="visually-hidden">
            {caption}
          </caption>
          {children}
        </table>
      </section>
    </div>
  );
}
