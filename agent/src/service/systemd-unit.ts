import { EXIT } from "../exit-codes.ts";
import type { Launch } from "./launch.ts";

export const SYSTEMD_UNIT = "codewise-agent.service";

/** Ends that a restart does not mend. */
const FINAL_CODES = [EXIT.usage, EXIT.unauthorized, EXIT.incompatible, EXIT.alreadyRunning];

/** A systemd user unit; see systemd.service(5) and, for the quoting, systemd.syntax(7). */
export function systemdUnit({ command, variables, stopSeconds }: Launch): string {
  return `[Unit]
Description=Codewise agent
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map((word) => quote(word).replaceAll("$", "$$$$")).join(" ")}
${Object.entries(variables)
  .map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`)
  .join("\n")}
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=${FINAL_CODES.join(" ")}
KillMode=mixed
TimeoutStopSec=${stopSeconds}

[Install]
WantedBy=default.target
`;
}

function quote(word: string): string {
  const escaped = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("\n", "\\n");
  return `"${escaped}"`;
}
