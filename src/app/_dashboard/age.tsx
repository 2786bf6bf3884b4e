"use client";

import { formatAge } from "./format.ts";
import { useNow } from "./use-now.ts";

/** An age that goes on by itself: it was `ageMs` at `receivedAt` (a `performance.now()`). */
export function Age({ ageMs, receivedAt }: { readonly ageMs: number; readonly receivedAt: number }) {
  return <>{formatAge(ageMs + Math.max(0, useNow() - receivedAt))}</>;
}
