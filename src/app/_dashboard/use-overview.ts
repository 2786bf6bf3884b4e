"use client";

import { useEffect, useState } from "react";
import type { Overview } from "../../lib/admin/types.ts";
import { EVENTS_URL, fetchSignedIn } from "./admin-client.ts";
import { openOverviewFeed, type FeedState } from "./overview-feed.ts";
import { usePageShown } from "./use-page-shown.ts";

export interface ReceivedOverview {
  readonly overview: Overview;
  /** `performance.now()` at receipt: ages go on from here without comparing clocks. */
  readonly receivedAt: number;
}

/** The live overview and the state of its connection. Paused while the page is hidden. */
export function useOverview(onSignedOut: () => void): {
  readonly received: ReceivedOverview | undefined;
  readonly state: FeedState;
} {
  const [received, setReceived] = useState<ReceivedOverview>();
  const [state, setState] = useState<FeedState>("connecting");
  const shown = usePageShown();

  useEffect(() => {
    if (!shown) return undefined;
    return openOverviewFeed({
      url: EVENTS_URL,
      fetchSignedIn,
      onOverview: (overview) => setReceived({ overview: withFullBaseUrl(overview), receivedAt: performance.now() }),
      onState: setState,
      onSignedOut,
    });
  }, [shown, onSignedOut]);

  return { received, state };
}

/** A proxy that does not know its own address sends a path; the reader got here by an address that works. */
function withFullBaseUrl(overview: Overview): Overview {
  return { ...overview, baseUrl: new URL(overview.baseUrl, location.origin).href };
}
