/** Raised for a line over the bound or bytes that are no UTF-8; its message names no content. */
export class LineError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LineError";
  }
}

export interface LineSplitter {
  /** Takes the next bytes, cut anywhere, and gives the lines that they complete, without their `\n`. Throws {@link LineError}. */
  push(bytes: Uint8Array): readonly string[];
  /** Bytes of an unfinished line that are held. */
  readonly pendingBytes: number;
}

const NEWLINE = 0x0a;

/** Room for a 1 MB answer in one JSON line, escaped, with wide margin. */
export const DEFAULT_MAX_LINE_BYTES = 32 * 1024 * 1024;

/**
 * Splits bytes into lines at `\n` only: JSON text may hold raw U+2028 and U+2029, which other splitters cut at. Bytes are
 * decoded a whole line at a time, so a character cut by a chunk border is never damaged.
 */
export function createLineSplitter(maxLineBytes: number = DEFAULT_MAX_LINE_BYTES): LineSplitter {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let held: Uint8Array[] = [];
  let heldBytes = 0;

  const hold = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return;
    heldBytes += bytes.length;
    if (heldBytes > maxLineBytes) throw new LineError(`a line is longer than ${maxLineBytes} bytes`);
    held.push(bytes);
  };

  const takeLine = (): string => {
    const line = held.length === 1 ? held[0] : Buffer.concat(held, heldBytes);
    held = [];
    heldBytes = 0;
    try {
      return decoder.decode(line);
    } catch {
      throw new LineError("a line is not valid UTF-8");
    }
  };

  return {
    push(bytes) {
      const lines: string[] = [];
      let start = 0;
      for (;;) {
        const end = bytes.indexOf(NEWLINE, start);
        if (end === -1) break;
        hold(bytes.subarray(start, end));
        lines.push(takeLine());
        start = end + 1;
      }
      hold(bytes.subarray(start));
      return lines;
    },
    get pendingBytes() {
      return heldBytes;
    },
  };
}
