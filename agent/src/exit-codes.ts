/** Every exit code of `codewise-agent`, so that scripts and service managers can tell what happened. */
export const EXIT = {
  ok: 0,
  /** Something failed while running, or `doctor` found something to mend. */
  failure: 1,
  /** An option is missing or malformed. */
  usage: 2,
  /** The proxy refused the secret or the token, or a login was denied or has expired. */
  unauthorized: 3,
  /** The proxy does not speak this agent's protocol: install the other version. */
  incompatible: 4,
  /** `status`, `pause`, `resume`, `approve`, `deny`: no agent runs here, or none that was meant; `service status`, `logs`: no service. */
  notRunning: 5,
  /** An agent for this proxy and of this id runs here already. */
  alreadyRunning: 6,
} as const;

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** The exit code after a signal that ended the process: 128 + its number, as shells report it. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + (SIGNAL_NUMBERS[signal] ?? 0);
}
