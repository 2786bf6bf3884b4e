"use client";

import { useEffect, useRef, useState } from "react";

/** The latest `text`, renewed at most once in `intervalMs`; the last change always comes through. */
export function useSettled(text: string, intervalMs: number): string {
  const [settled, setSettled] = useState(text);
  const latest = useRef(text);

  useEffect(() => {
    latest.current = text;
  }, [text]);

  useEffect(() => {
    const timer = setInterval(() => setSettled(latest.current), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);

  return settled;
}
