/** Counts what the runs met and how they ended, and prints it as one table. */
import type { ClientView } from "./wire-client.ts";

const ENDS = ["done", "http error", "error frame", "left", "broken"] as const satisfies readonly ClientView["kind"][];

/** Sums over all runs of a suite. */
export class Tally {
  readonly #title: string;
  readonly #faults: Map<string, number>;
  readonly #ends = new Map<ClientView["kind"], number>(ENDS.map((kind) => [kind, 0]));
  #runs = 0;
  #runsWithoutError = 0;
  #requests = 0;
  #text = 0;
  #longestMs = 0;
  #repeats = 0;
  #violations = 0;

  /** `kinds`: the faults that are expected to fire, so that those that did not are shown with 0. */
  constructor(title: string, kinds: readonly string[]) {
    this.#title = title;
    this.#faults = new Map(kinds.map((kind) => [kind, 0]));
  }

  /** Kinds that never took effect. */
  get missing(): string[] {
    return [...this.#faults].filter(([, count]) => count === 0).map(([kind]) => kind);
  }

  get done(): number {
    return this.#ends.get("done") ?? 0;
  }

  get failed(): number {
    return (this.#ends.get("http error") ?? 0) + (this.#ends.get("error frame") ?? 0);
  }

  fault(kind: string): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
  }

  /** One run with all its requests. `repeats`: attempts whose CLI was started anew after the first had ended. */
  run(views: readonly ClientView[], violations: number, repeats: number): void {
    this.#runs += 1;
    this.#violations += violations;
    this.#repeats += repeats;
    if (views.every(({ kind }) => kind === "done" || kind === "left")) this.#runsWithoutError += 1;
    for (const { kind, text, ms } of views) {
      this.#requests += 1;
      this.#ends.set(kind, (this.#ends.get(kind) ?? 0) + 1);
      this.#text += Buffer.byteLength(text);
      this.#longestMs = Math.max(this.#longestMs, ms);
    }
  }

  /** Markdown, as docs/reliability.md has it. */
  table(elapsedMs: number): string {
    const rows: [string, string][] = [
      ["runs", String(this.#runs)],
      ["runs in which no request failed", String(this.#runsWithoutError)],
      ["runs with at least one error", String(this.#runs - this.#runsWithoutError)],
      ["requests", String(this.#requests)],
      ["… whole, with the CLI's exact text", String(this.done)],
      ["… HTTP error", String(this.#ends.get("http error"))],
      ["… error frame", String(this.#ends.get("error frame"))],
      ["… client left", String(this.#ends.get("left"))],
      ["text delivered", `${(this.#text / 1_048_576).toFixed(1)} MiB`],
      ["longest request", `${Math.round(this.#longestMs)} ms`],
      ["CLI started again for an attempt after its first run had ended", String(this.#repeats)],
      ...[...this.#faults].map(([kind, count]): [string, string] => [`fault: ${kind}`, String(count)]),
      ["violated properties (silent losses and all others)", String(this.#violations)],
      ["time", `${(elapsedMs / 1000).toFixed(1)} s`],
    ];
    const width = Math.max(this.#title.length, ...rows.map(([name]) => name.length));
    const line = (name: string, value: string): string => `| ${name.padEnd(width)} | ${value.padStart(9)} |`;
    const body = rows.map(([name, value]) => line(name, value));
    return ["", line(this.#title, ""), `| ${"-".repeat(width)} | ${"-".repeat(8)}: |`, ...body, ""].join("\n");
  }
}
