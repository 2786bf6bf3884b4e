import { Dashboard } from "./_dashboard/dashboard.tsx";

// The data comes from the admin API in the browser; rendering per request would slow the proxy that shares this process.
export const dynamic = "force-static";

export default function Page() {
  return <Dashboard />;
}
