/** Cuts a streamed text where the first of some stop texts ends, which is never given itself. */
export interface StopText {
  /** The part that can be given now; `isDone` where a stop text was found, after which nothing more is given. */
  push(text: string): { readonly text: string; readonly isDone: boolean };
  /** Whether {@link rest} has anything to give. */
  isHolding(): boolean;
  /** What was held back because a stop text could have begun with it: to be given at the end. */
  rest(): string;
}

/**
 * Each stop text has a Knuth-Morris-Pratt matcher of its own, so that a character costs about one step a stop text, however
 * the text is cut and however much is held back. Of stop texts that end at the same character the longest counts.
 *
 * @param stops none is empty; without any, texts pass as they are.
 */
export function createStopText(stops: readonly string[]): StopText {
  const matchers = stops.map(createMatcher);
  let held = "";
  let isDone = false;

  return {
    push(text) {
      if (isDone) return { text: "", isDone };
      if (matchers.length === 0) return { text, isDone };
      const all = held + text;
      for (let index = held.length; index < all.length; index += 1) {
        const unit = all.charCodeAt(index);
        let found = 0;
        for (const matcher of matchers) {
          if (matcher.take(unit)) found = Math.max(found, matcher.matched);
        }
        if (found === 0) continue;
        isDone = true;
        held = "";
        return { text: all.slice(0, index + 1 - found), isDone };
      }
      const keep = Math.max(...matchers.map(({ matched }) => matched));
      held = all.slice(all.length - keep);
      return { text: all.slice(0, all.length - keep), isDone };
    },
    isHolding: () => held !== "",
    rest() {
      const rest = held;
      held = "";
      for (const matcher of matchers) matcher.reset();
      return rest;
    },
  };
}

interface Matcher {
  /** How many of the pattern's UTF-16 units the text so far ends with. */
  readonly matched: number;
  /** Takes one more unit; whether the whole pattern was found, after which nothing more may be taken. */
  take(unit: number): boolean;
  reset(): void;
}

function createMatcher(pattern: string): Matcher {
  const fallbacks = findFallbacks(pattern);
  let matched = 0;
  return {
    get matched() {
      return matched;
    },
    take(unit) {
      matched = advance(pattern, fallbacks, matched, unit);
      return matched === pattern.length;
    },
    reset() {
      matched = 0;
    },
  };
}

/** For each beginning of a pattern, by its last index: the length of the longest shorter one that it ends with. */
function findFallbacks(pattern: string): readonly number[] {
  const fallbacks = [0];
  for (let index = 1; index < pattern.length; index += 1) {
    fallbacks.push(advance(pattern, fallbacks, fallbacks[index - 1] ?? 0, pattern.charCodeAt(index)));
  }
  return fallbacks;
}

function advance(pattern: string, fallbacks: readonly number[], from: number, unit: number): number {
  let matched = from;
  while (matched > 0 && pattern.charCodeAt(matched) !== unit) matched = fallbacks[matched - 1] ?? 0;
  return pattern.charCodeAt(matched) === unit ? matched + 1 : 0;
}
