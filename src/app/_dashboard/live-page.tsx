"use client";

import { useEffect, useRef } from "react";
import { AgentsPanel } from "./agents-panel.tsx";
import { ConnectPanel } from "./connect-panel.tsx";
import { InFlightPanel } from "./in-flight-panel.tsx";
import styles from "./live-page.module.css";
import { ModelsPanel } from "./models-panel.tsx";
import { RequestsPanel } from "./requests-panel.tsx";
import { Summary } from "./summary.tsx";
import { TopBar } from "./top-bar.tsx";
import { useOverview } from "./use-overview.ts";

interface LivePageProps {
  readonly onSignedOut: () => void;
  readonly signOut: () => Promise<void>;
}

/** The one live page. Sections are panels of a grid; a new one is a new file and a line here. */
export function LivePage({ onSignedOut, signOut }: LivePageProps) {
  const { received, state } = useOverview(onSignedOut);
  const main = useRef<HTMLElement>(null);

  // The form that had the focus is gone: keyboard and screen reader go on at the top of what replaced it.
  useEffect(() => main.current?.focus({ preventScroll: true }), []);

  return (
    <>
      <TopBar overview={received?.overview} state={state} signOut={signOut} />
      <main id="content" ref={main} tabIndex={-1} className={styles["main"]}>
        {received === undefined ? (
          <p className={styles["loading"]}>Loading…</p>
        ) : (
          <>
            <Summary overview={received.overview} />
            <div className={styles["pair"]}>
              <AgentsPanel {...received} />
              <InFlightPanel {...received} />
            </div>
            <RequestsPanel requests={received.overview.requests} now={received.overview.now} />
            <div className={styles["pair"]}>
              <ConnectPanel overview={received.overview} />
              <ModelsPanel providers={received.overview.providers} />
            </div>
          </>
        )}
      </main>
    </>
  );
}
