"use client";

import { useEffect, useState } from "react";

const HIDDEN_GRACE_MS = 10_000;

/**
 * False once the page has been hidden for ten seconds. A live feed that nobody looks at costs the proxy work and the
 * browser one of its six HTTP/1.1 connections to that host.
 */
export function usePageShown(): boolean {
  const [shown, setShown] = useState(true);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onChange = (): void => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setShown(false), HIDDEN_GRACE_MS);
      else setShown(true);
    };
    document.addEventListener("visibilitychange", onChange);
    onChange();
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onChange);
    };
  }, []);

  return shown;
}
