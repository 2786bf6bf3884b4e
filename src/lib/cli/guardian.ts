import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Writable } from "node:stream";
import { toProcessEnv } from "./process-group.ts";

/**
 * Ends process groups when this process dies in a way that it cannot act on, such as SIGKILL: a CLI does not stop when
 * its pipes close. One small shell in a session of its own reads a pipe that only this process holds; the pipe's end is
 * this process's end.
 */
export interface Guardian {
  /** Names a group that must not outlive this process. Starts the shell with the first one. */
  add(groupId: number): void;
  /** The group is gone; its number may be used by others from now on. */
  remove(groupId: number): void;
  /** Lets the shell go: it ends what is still named and removes the folder. */
  close(): void;
  /** The shell's process id, for tests and diagnosis. */
  readonly pid: number | undefined;
}

/**
 * $1: folder to remove at the end. Lines on stdin: `add GROUP` and `remove GROUP`. `identity` tells a leader from a later
 * process with the same number by its start time; while any process of a group lives its number cannot be given away, so
 * a group without a leader is still the same group. Bounded: TERM, then KILL one second later.
 */
const SCRIPT = `
trap '' HUP INT TERM
identity() {
  if [ -r "/proc/$1/stat" ]; then
    read -r line <"/proc/$1/stat" || return 0
    set -- \${line##*) }
    [ "$#" -ge 20 ] || return 0
    shift 19
    echo "$1"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
  fi
}
groups=' '
while read -r verb group; do
  case "$group" in ''|*[!0-9]*) continue ;; esac
  case "$verb" in
    add) groups="$groups$group=$(identity "$group") " ;;
    remove)
      kept=' '
      for entry in $groups; do
        [ "\${entry%%=*}" = "$group" ] || kept="$kept$entry "
      done
      groups=$kept ;;
  esac
done
end() {
  for entry in $groups; do
    group=\${entry%%=*}
    if kill -0 "$group" 2>/dev/null && [ "$(identity "$group")" != "\${entry#*=}" ]; then continue; fi
    kill "-$1" "-$group" 2>/dev/null
  done
}
if [ "$groups" != ' ' ]; then
  end TERM
  sleep 1
  end KILL
fi
case "$1" in */codewise-cli-*) rm -rf -- "$1" ;; esac
`;

/** @param folder The private folder, named `codewise-cli-…`, that is removed when this process is gone. */
export function createGuardian(folder: string): Guardian {
  const groups = new Set<number>();
  let shell: ChildProcessByStdio<Writable, null, null> | undefined;

  const start = (): ChildProcessByStdio<Writable, null, null> => {
    const started = spawn("/bin/sh", ["-c", SCRIPT, "codewise-guardian", folder], {
      cwd: "/",
      detached: true,
      env: toProcessEnv({ PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" }),
      stdio: ["pipe", "ignore", "ignore"],
    });
    started.stdin.on("error", () => {});
    const forget = (): void => {
      if (shell === started) shell = undefined;
    };
    started.once("error", forget);
    started.once("exit", forget);
    started.unref();
    // The pipe must not keep this process's event loop alive; types do not tell that it is a socket.
    if ("unref" in started.stdin && typeof started.stdin.unref === "function") started.stdin.unref();
    for (const group of groups) started.stdin.write(`add ${group}\n`);
    return started;
  };

  return {
    add(groupId) {
      if (process.platform === "win32") return;
      if (shell === undefined) shell = start();
      groups.add(groupId);
      shell.stdin.write(`add ${groupId}\n`);
    },
    remove(groupId) {
      if (!groups.delete(groupId)) return;
      shell?.stdin.write(`remove ${groupId}\n`);
    },
    close() {
      const closing = shell;
      shell = undefined;
      groups.clear();
      closing?.stdin.end();
    },
    get pid() {
      return shell?.pid;
    },
  };
}
