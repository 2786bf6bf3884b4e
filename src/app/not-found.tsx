import { EmptyState } from "../components/ui/empty-state.tsx";
import { Notice } from "../components/ui/notice.tsx";

export default function NotFound() {
  return (
    <Notice>
      <h1>Page not found</h1>
      <EmptyState>
        There is nothing at this address. <a href="/">Go to the dashboard</a>
      </EmptyState>
    </Notice>
  );
}
