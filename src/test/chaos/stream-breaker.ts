import type { NetworkFault, PlannedStream } from "./faults.ts";

type OnFault = (fault: NetworkFault, detail: string) => void;

/** Counts events and decides what of each part of a stream passes. */
export class StreamBreaker {
  readonly #planned: PlannedStream;
  readonly #onFault: OnFault;
  #events = 0;
  /** What is said again after the next event. */
  #again: readonly Buffer[] = [];
  #carry: Buffer = Buffer.alloc(0);
  #lastByte = 0;
  #fired = false;

  constructor(planned: PlannedStream, onFault: OnFault) {
    this.#planned = planned;
    this.#onFault = onFault;
  }

  take(bytes: Buffer): { readonly pass: readonly Buffer[]; readonly isBroken: boolean } {
    const { fault, afterEvents } = this.#planned;
    if (fault === "stream in small pieces") {
      this.#fire("from its beginning");
      return { pass: bytes.length > 4096 ? [bytes] : pieces(bytes, 7), isBroken: false };
    }
    if (fault === "stream events repeated") return { pass: this.#repeat(bytes), isBroken: false };
    for (let index = 0; index < bytes.length; index += 1) {
      const isEnd = bytes[index] === 0x0a && this.#lastByte === 0x0a;
      this.#lastByte = bytes[index] ?? 0;
      if (isEnd) this.#events += 1;
      const isReached =
        fault === "stream cut within an event" ? this.#events === afterEvents && !isEnd : this.#events === afterEvents;
      if (!isReached) continue;
      this.#fire(`event ${afterEvents}`);
      const extra = fault === "stream cut within an event" ? 12 : 1;
      return { pass: [bytes.subarray(0, index + extra)], isBroken: true };
    }
    return { pass: [bytes], isBroken: false };
  }

  /** Whole events only; what is not whole yet is kept. */
  #repeat(bytes: Buffer): Buffer[] {
    const waiting = Buffer.concat([this.#carry, bytes]);
    const pass: Buffer[] = [];
    let start = 0;
    for (let end = waiting.indexOf("\n\n"); end !== -1; end = waiting.indexOf("\n\n", start)) {
      const event = waiting.subarray(start, end + 2);
      const isRepeated = /^event: (request|cancel)\n/.test(event.subarray(0, 20).toString("latin1"));
      pass.push(event, ...this.#again);
      if (this.#again.length > 0) this.#fire("a request or a cancel");
      this.#again = isRepeated ? [event] : [];
      start = end + 2;
    }
    this.#carry = waiting.subarray(start);
    return pass;
  }

  #fire(detail: string): void {
    if (this.#fired) return;
    this.#fired = true;
    this.#onFault(this.#planned.fault, detail);
  }
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += size) parts.push(bytes.subarray(start, start + size));
  return parts;
}
