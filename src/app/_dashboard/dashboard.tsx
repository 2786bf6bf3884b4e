"use client";

import { Notice } from "../../components/ui/notice.tsx";
import { LivePage } from "./live-page.tsx";
import { SignIn } from "./sign-in.tsx";
import { useSession } from "./use-session.ts";

/** The whole page: the sign-in form, or the live page while a session holds. */
export function Dashboard() {
  const { session, markSignedIn, markSignedOut, signOut } = useSession();
  if (session === "signed-in") return <LivePage onSignedOut={markSignedOut} signOut={signOut} />;
  if (session === "signed-out") return <SignIn onSignedIn={markSignedIn} />;
  return (
    <Notice>
      <h1>Codewise</h1>
      <output>{session === "checking" ? "Loading…" : "The proxy does not answer. Trying again…"}</output>
      <noscript>This page needs JavaScript.</noscript>
    </Notice>
  );
}
