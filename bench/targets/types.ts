/** What a load process needs to reach a running target. */
export interface Target {
  readonly name: string;
  /** Root of its process tree: the one whose CPU and memory are measured. For `direct` that is the mock upstream. */
  readonly pid: number;
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly startedInMs: number;
  readonly stop: () => Promise<void>;
}

export interface TargetContext {
  /** Origin of the mock upstream. */
  readonly upstreamUrl: string;
  readonly upstreamPid: number;
  /** A folder of this run alone, removed at its end. */
  readonly directory: string;
}

export const MODEL = "bench-model";
export const CHAT_PATH = "/v1/chat/completions";
/** What the mock upstream is sent as its key; it looks at none. */
export const UPSTREAM_KEY = "sk-bench-0123456789abcdef0123456789abcdef";
