const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** More code units than that in one character are no honest text. */
const MAX_UNITS_PER_CHARACTER = 16;

/** The first characters of a text, as people count them. */
export function firstCharacters(text: string, count: number): string {
  const bounded = text.slice(0, count * MAX_UNITS_PER_CHARACTER).toWellFormed();
  let taken = "";
  let left = count;
  for (const { segment } of segmenter.segment(bounded)) {
    if (left === 0) break;
    taken += segment;
    left -= 1;
  }
  return taken;
}
