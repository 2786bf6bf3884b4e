import "./zod-setup.ts";
import { overviewSchema, type Overview } from "../../lib/admin/types.ts";

/**
 * `connecting` before the first event, `live` while events can arrive, `reconnecting` after a break, `incompatible` when
 * an event does not fit this page's schema (an old page in front of a new proxy).
 */
export type FeedState = "connecting" | "live" | "reconnecting" | "incompatible";

/** What the feed uses of an `EventSource`. */
export interface FeedSource {
  readonly readyState: number;
  readonly CLOSED: number;
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  close(): void;
}

export interface FeedOptions {
  readonly url: string;
  /** Tells an ended session from a passing fault when the stream was refused. */
  readonly fetchSignedIn: () => Promise<boolean>;
  readonly onOverview: (overview: Overview) => void;
  readonly onState: (state: FeedState) => void;
  readonly onSignedOut: () => void;
  /** First wait before opening a refused stream again; doubles up to `maxRetryMs`. */
  readonly retryMs?: number;
  readonly maxRetryMs?: number;
  readonly newEventSource?: (url: string) => FeedSource;
}

/** Follows the overview events until the returned function is called or the session ends. */
export function openOverviewFeed(options: FeedOptions): () => void {
  const { retryMs = 1000, maxRetryMs = 30_000, newEventSource = (url) => new EventSource(url) } = options;
  let source: FeedSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = retryMs;
  let closed = false;

  const close = (): void => {
    closed = true;
    clearTimeout(timer);
    source?.close();
  };

  const onOverview = (event: MessageEvent<string>): void => {
    const overview = parseOverview(event.data);
    if (overview === undefined) {
      options.onState("incompatible");
      return;
    }
    wait = retryMs;
    options.onState("live");
    options.onOverview(overview);
  };

  const onRefused = async (): Promise<void> => {
    const signedIn = await options.fetchSignedIn().catch(() => true);
    if (closed) return;
    if (!signedIn) {
      close();
      options.onSignedOut();
      return;
    }
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, maxRetryMs);
  };

  const open = (): void => {
    const opened = newEventSource(options.url);
    source = opened;
    opened.addEventListener("overview", onOverview);
    opened.addEventListener("error", () => {
      if (closed) return;
      options.onState("reconnecting");
      // A broken connection is reopened by the browser; only a refused one (any status but 200) is left to us.
      if (opened.readyState === opened.CLOSED) void onRefused();
    });
  };

  options.onState("connecting");
  open();
  return close;
}

function parseOverview(data: string): Overview | undefined {
  try {
    return overviewSchema.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}
