import { Panel } from "../../components/ui/panel.tsx";
import { StatusBadge } from "../../components/ui/status-badge.tsx";
import type { Overview } from "../../lib/admin/types.ts";
import { ModelList } from "./model-list.tsx";
import styles from "./models-panel.module.css";

/** Who can serve now, and which model ids a client may ask for. */
export function ModelsPanel({ providers }: { readonly providers: Overview["providers"] }) {
  return (
    <Panel id="models" title="Models a client can ask for">
      <ul className={styles["list"]}>
        {providers.map((provider) => (
          <li key={provider.id} className={styles["provider"]}>
            <div className={styles["head"]}>
              <h3>{provider.id}</h3>
              <StatusBadge tone={provider.available ? "good" : "quiet"}>
                {provider.available ? "Available" : "Away"}
              </StatusBadge>
            </div>
            <div className={styles["models"]}>
              <ModelList models={provider.models} />
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
