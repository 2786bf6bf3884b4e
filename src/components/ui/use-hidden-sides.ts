import { useEffect, useState, type RefObject } from "react";

/** At which sides of a region that scrolls there is more than is seen. */
export type HiddenSides = "none" | "start" | "end" | "both";

/** Watches what of a region's content lies outside of it sideways, as it is scrolled and as it or the content is resized. */
export function useHiddenSides(region: RefObject<HTMLElement | null>): HiddenSides {
  const [hidden, setHidden] = useState<HiddenSides>("none");

  useEffect(() => {
    const element = region.current;
    if (element === null) return undefined;
    const measure = (): void => setHidden(hiddenSides(element));
    const observer = new ResizeObserver(measure);
    for (const watched of [element, ...element.children]) observer.observe(watched);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, [region]);

  return hidden;
}

/** The sides at which more than one pixel is hidden: zoomed browsers scroll and measure in fractions of one. Lengths in CSS pixels. */
export function hiddenSides({
  scrollLeft,
  clientWidth,
  scrollWidth,
}: Pick<HTMLElement, "scrollLeft" | "clientWidth" | "scrollWidth">): HiddenSides {
  const start = scrollLeft > 1;
  const end = scrollWidth - clientWidth - scrollLeft > 1;
  if (start && end) return "both";
  if (start) return "start";
  return end ? "end" : "none";
}
