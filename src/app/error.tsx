"use client";

import { Button } from "../components/ui/button.tsx";
import { EmptyState } from "../components/ui/empty-state.tsx";
import { Notice } from "../components/ui/notice.tsx";

/** Shown when the page itself fails; the proxy goes on serving clients. */
export default function PageError({ reset }: { readonly error: Error; readonly reset: () => void }) {
  return (
    <Notice>
      <h1>The dashboard stopped working</h1>
      <EmptyState>The proxy itself is not affected. The browser’s console has the details.</EmptyState>
      <Button onClick={reset}>Try again</Button>
    </Notice>
  );
}
