const STAMP = /@(\d{19}) /g;
const DONE = "data: [DONE]";
/** A stamp that was cut by the end of a slice is shorter than this. */
const LONGEST_CUT = 24;

/** Finds the mock upstream's stamps in the text of one stream, wherever it was cut into pieces. */
export class StampScanner {
  readonly #onStamp: (nanoseconds: number) => void;
  #tail = "";
  /** Whether the stream said `[DONE]`. */
  isDone = false;

  constructor(onStamp: (nanoseconds: number) => void) {
    this.#onStamp = onStamp;
  }

  push(slice: Buffer): void {
    const text = this.#tail + slice.toString("latin1");
    let end = 0;
    for (const match of text.matchAll(STAMP)) {
      end = match.index + match[0].length;
      this.#onStamp(Number(match[1]));
    }
    if (text.includes(DONE)) this.isDone = true;
    this.#tail = text.slice(Math.max(end, text.length - LONGEST_CUT));
  }

  /** Ready for the next stream. */
  reset(): void {
    this.#tail = "";
    this.isDone = false;
  }
}
