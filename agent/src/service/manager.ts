/** The service manager of each system: what is written where, and which of its commands do what. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Environment } from "../config.ts";
import { stateFolder } from "../state-folder.ts";
import { LAUNCHD_LABEL, launchdPlist } from "./launchd-plist.ts";
import type { Launch } from "./launch.ts";
import { SYSTEMD_UNIT, systemdUnit } from "./systemd-unit.ts";
import { WINDOWS_TASK, windowsTask } from "./windows-task.ts";

const TASK_STATE = `[int](Get-ScheduledTask -TaskName '${WINDOWS_TASK}' -ErrorAction Stop).State`;
/** TASK_STATE_RUNNING of the Task Scheduler's TASK_STATE enumeration. */
const TASK_RUNNING = "4";

type CommandLine = readonly [string, ...string[]];

export interface ServiceManager {
  /** The file that describes the service. */
  readonly file: string;
  /** Throws ConfigError where the service cannot have what it is to be started with. */
  text(launch: Launch): string;
  readonly encoding: "utf8" | "utf16le";
  /** Run after the file was written. */
  readonly install: readonly CommandLine[];
  /** Run before the file is removed. */
  readonly uninstall: readonly CommandLine[];
  /** Fails where no service is installed, or none runs. */
  readonly status: CommandLine;
  /** Whether it runs, by what `status` has printed where it succeeded. */
  isRunning(output: string): boolean;
  /** Shows the log; undefined where none is kept. */
  logs(options: { readonly follow: boolean; readonly lines: number }): CommandLine | undefined;
  /** What the owner may want to do beside. */
  readonly hint: string | undefined;
}

/** `userId`: number of this user, where the system has such. */
export function serviceManager(env: Environment, platform: NodeJS.Platform, userId: number): ServiceManager {
  const home = env["HOME"] || homedir();
  if (platform === "darwin") return launchd(env, home, userId);
  return platform === "win32" ? scheduledTask(env) : systemd(env, home);
}

function systemd(env: Environment, home: string): ServiceManager {
  const configured = env["XDG_CONFIG_HOME"];
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(home, ".config");
  return {
    file: join(base, "systemd", "user", SYSTEMD_UNIT),
    text: systemdUnit,
    encoding: "utf8",
    install: [
      ["systemctl", "--user", "daemon-reload"],
      ["systemctl", "--user", "enable", SYSTEMD_UNIT],
      // Also where an earlier one runs.
      ["systemctl", "--user", "restart", SYSTEMD_UNIT],
    ],
    uninstall: [["systemctl", "--user", "disable", "--now", SYSTEMD_UNIT]],
    status: ["systemctl", "--user", "is-active", SYSTEMD_UNIT],
    isRunning: () => true,
    logs: ({ follow, lines }) => [
      ...(["journalctl", "--user", "--no-pager", "--output=cat", `--lines=${lines}`] as const),
      `--unit=${SYSTEMD_UNIT}`,
      ...(follow ? ["--follow"] : []),
    ],
    hint: "It ends when you log out, unless you run: loginctl enable-linger",
  };
}

function launchd(env: Environment, home: string, userId: number): ServiceManager {
  const file = join(home, "Library", "LaunchAgents", `${LAUNCHD_LABEL}.plist`);
  const logFile = join(stateFolder(env, "darwin"), "agent.log");
  const domain = `gui/${userId}`;
  return {
    file,
    text: (launch) => launchdPlist(launch, logFile),
    encoding: "utf8",
    install: [["launchctl", "bootstrap", domain, file]],
    uninstall: [["launchctl", "bootout", `${domain}/${LAUNCHD_LABEL}`]],
    status: ["launchctl", "print", `${domain}/${LAUNCHD_LABEL}`],
    // It succeeds for whatever is loaded.
    isRunning: (output) => /^\s*state = running\s*$/m.test(output),
    logs: ({ follow, lines }) => ["tail", "-n", String(lines), ...(follow ? ["-f"] : []), logFile],
    hint: undefined,
  };
}

function scheduledTask(env: Environment): ServiceManager {
  const file = join(stateFolder(env, "win32"), "agent-task.xml");
  const user = `${env["USERDOMAIN"] ?? "."}\\${env["USERNAME"] ?? ""}`;
  return {
    file,
    text: (launch) => windowsTask(launch, user),
    encoding: "utf16le",
    install: [
      ["schtasks", "/Create", "/F", "/TN", WINDOWS_TASK, "/XML", file],
      ["schtasks", "/Run", "/TN", WINDOWS_TASK],
    ],
    uninstall: [
      ["schtasks", "/End", "/TN", WINDOWS_TASK],
      ["schtasks", "/Delete", "/F", "/TN", WINDOWS_TASK],
    ],
    // As a number: schtasks tells the state in the language of the system.
    status: ["powershell", "-NoProfile", "-NonInteractive", "-Command", TASK_STATE],
    isRunning: (output) => output.trim() === TASK_RUNNING,
    logs: () => undefined,
    hint: undefined,
  };
}
