"use client";

import { useState } from "react";
import { BrandMark } from "../../components/ui/brand-mark.tsx";
import { Button } from "../../components/ui/button.tsx";
import { StatusBadge, type Tone } from "../../components/ui/status-badge.tsx";
import type { Overview } from "../../lib/admin/types.ts";
import { formatTime } from "./format.ts";
import type { FeedState } from "./overview-feed.ts";
import styles from "./top-bar.module.css";

const FEED_STATES: Record<FeedState, { readonly tone: Tone; readonly text: string }> = {
  connecting: { tone: "quiet", text: "Connecting…" },
  live: { tone: "good", text: "Live" },
  reconnecting: { tone: "warn", text: "Reconnecting…" },
  incompatible: { tone: "bad", text: "Reload this page" },
};

interface TopBarProps {
  readonly overview: Overview | undefined;
  readonly state: FeedState;
  readonly signOut: () => Promise<void>;
}

/** Name and version, the state of the live feed in words, and the way out. */
export function TopBar({ overview, state, signOut }: TopBarProps) {
  const [failed, setFailed] = useState(false);
  const leave = (): void => {
    setFailed(false);
    signOut().catch(() => setFailed(true));
  };

  return (
    <header className={styles["bar"]}>
      <div className={styles["inside"]}>
        <h1 className={styles["name"]}>
          <BrandMark /> Codewise{" "}
          {overview !== undefined && <span className={styles["version"]}>{overview.version}</span>}
        </h1>
        <output className={styles["state"]}>
          <StatusBadge tone={FEED_STATES[state].tone}>{FEED_STATES[state].text}</StatusBadge>
          <span className={styles["detail"]}>{describe(state, overview, failed)}</span>
        </output>
        <Button onClick={leave}>Sign out</Button>
      </div>
    </header>
  );
}

function describe(state: FeedState, overview: Overview | undefined, signOutFailed: boolean): string {
  if (signOutFailed) return "Signing out failed: the proxy does not answer.";
  if (state === "incompatible") return "The proxy sent data that this page cannot read; it is probably newer.";
  if (state !== "reconnecting" || overview === undefined) return "";
  return `The proxy does not answer; this is from ${formatTime(overview.now, overview.now)}.`;
}
