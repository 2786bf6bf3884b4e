"use client";

import { useCallback, useEffect, useState } from "react";
import { fetchSignedIn, signOut as endSession } from "./admin-client.ts";

const RETRY_MS = 2000;

export type Session = "checking" | "unreachable" | "signed-out" | "signed-in";

interface SessionControl {
  readonly session: Session;
  readonly markSignedIn: () => void;
  /** The session was found to have ended. */
  readonly markSignedOut: () => void;
  /** Ends the session at the proxy. Rejects, and stays signed in, when that fails. */
  readonly signOut: () => Promise<void>;
}

/** Whether this browser is signed in; asks at first, and again every two seconds while the proxy cannot be reached. */
export function useSession(): SessionControl {
  const [session, setSession] = useState<Session>("checking");
  const waiting = session === "checking" || session === "unreachable";

  useEffect(() => {
    if (!waiting) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const check = async (): Promise<void> => {
      try {
        setSession((await fetchSignedIn(abort.signal)) ? "signed-in" : "signed-out");
      } catch {
        if (abort.signal.aborted) return;
        setSession("unreachable");
        timer = setTimeout(() => void check(), RETRY_MS);
      }
    };
    void check();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [waiting]);

  const markSignedIn = useCallback(() => setSession("signed-in"), []);
  const markSignedOut = useCallback(() => setSession("signed-out"), []);
  const signOut = useCallback(async () => {
    await endSession();
    setSession("signed-out");
  }, []);
  return { session, markSignedIn, markSignedOut, signOut };
}
