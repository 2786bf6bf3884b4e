/** Words with everything that breaks careless handling: several bytes, joined emoji, right-to-left, U+2028, escapes. */
const WORDS = [
  "the ",
  "answer ",
  "is ",
  "stream",
  "ing ",
  "Grüße ",
  "日本語",
  "🌍",
  "👩‍👩‍👧 ",
  "é ",
  "שלום ",
  "\u2028",
  "\n",
  "\t",
  '"quoted" ',
  "back\\slash ",
  "data: ",
  "[DONE] ",
  "{}",
  "0123456789 ",
] as const;

/** A small seeded generator (mulberry32): the same seed gives the same numbers everywhere. */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * The deltas of a generated answer: together at least `characters` UTF-16 units, each of one to eight words. Tests
 * compute from the same seed what a client must have received.
 */
export function generateDeltas(seed: number, characters: number): readonly string[] {
  const random = createRandom(seed);
  const deltas: string[] = [];
  let length = 0;
  while (length < characters) {
    const count = 1 + Math.floor(random() * 8);
    const delta = Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)] ?? "").join("");
    deltas.push(delta);
    length += delta.length;
  }
  return deltas;
}
