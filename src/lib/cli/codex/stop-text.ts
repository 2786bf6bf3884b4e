/** Cuts a streamed text at the first of some stop texts, which is never given itself. */
export interface StopText {
  /** The part that can be given now; `isDone` where a stop text was found, after which nothing more is given. */
  push(text: string): { readonly text: string; readonly isDone: boolean };
  /** Whether {@link rest} has anything to give. */
  isHolding(): boolean;
  /** What was held back because a stop text could have begun with it: to be given at the end. */
  rest(): string;
}

/** @param stops none is empty; without any, texts pass as they are. */
export function createStopText(stops: readonly string[]): StopText {
  const longest = Math.max(0, ...stops.map((stop) => stop.length));
  let held = "";
  let isDone = false;

  return {
    push(text) {
      if (isDone) return { text: "", isDone };
      if (longest === 0) return { text, isDone };
      const all = held + text;
      const at = Math.min(...stops.map((stop) => all.indexOf(stop)).map((index) => (index === -1 ? Infinity : index)));
      if (at !== Infinity) {
        isDone = true;
        held = "";
        return { text: all.slice(0, at), isDone };
      }
      const keep = longestBeginning(all, stops, longest);
      held = all.slice(all.length - keep);
      return { text: all.slice(0, all.length - keep), isDone };
    },
    isHolding: () => held !== "",
    rest() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

/** Length of the longest end of a text with which a stop text begins. */
function longestBeginning(text: string, stops: readonly string[], longest: number): number {
  for (let length = Math.min(longest - 1, text.length); length > 0; length -= 1) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.length > length && stop.startsWith(end))) return length;
  }
  return 0;
}
