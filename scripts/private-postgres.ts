/** A PostgreSQL of one's own: a cluster in a temporary folder that listens on 127.0.0.1, with an empty database `codewise`. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

export interface PrivatePostgres {
  readonly url: string;
  /** Makes another empty database in the cluster; returns its URL. */
  readonly createDatabase: (name: string) => string;
  /** Stops the cluster and removes its folder. */
  readonly stop: () => void;
}

/** Folder with initdb and pg_ctl: the newest of Debian's, else whatever is on PATH. */
function postgresPrograms(): string {
  const base = "/usr/lib/postgresql";
  const versions = existsSync(base) ? readdirSync(base).toSorted((left, right) => Number(right) - Number(left)) : [];
  const [newest] = versions;
  return newest === undefined ? "" : join(base, newest, "bin");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** PostgreSQL refuses to run as root: there it runs as the `postgres` user. */
function asDatabaseUser(directory: string): { readonly uid: number; readonly gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined;
  const uid = Number(execFileSync("id", ["-u", "postgres"], { encoding: "utf8" }));
  const gid = Number(execFileSync("id", ["-g", "postgres"], { encoding: "utf8" }));
  chownSync(directory, uid, gid);
  return { uid, gid };
}

/** Whether a private cluster can be made: Debian's packages keep its programs where {@link startPrivatePostgres} looks. */
export function hasPostgresPrograms(): boolean {
  return postgresPrograms() !== "";
}

/** @throws Error when PostgreSQL's programs are not there, or do not do their work */
export async function startPrivatePostgres(): Promise<PrivatePostgres> {
  const directory = mkdtempSync(join(tmpdir(), "codewise-postgres-"));
  const identity = asDatabaseUser(directory) ?? {};
  const data = join(directory, "data");
  const port = await freePort();
  const run = (program: string, ...parameters: string[]): void => {
    execFileSync(join(postgresPrograms(), program), parameters, {
      ...identity,
      cwd: directory,
      stdio: ["ignore", "ignore", "inherit"],
    });
  };
  const createDatabase = (name: string): string => {
    run("createdb", "-h", "127.0.0.1", "-p", String(port), "-U", "codewise", name);
    return `postgres://codewise@127.0.0.1:${port}/${name}`;
  };
  const stop = (): void => {
    if (existsSync(join(data, "postmaster.pid"))) run("pg_ctl", "-D", data, "-m", "fast", "-w", "stop");
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    run("initdb", "-D", data, "-U", "codewise", "-A", "trust", "--locale=C.UTF-8");
    const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${directory} -c fsync=off`;
    run("pg_ctl", "-D", data, "-w", "-l", join(directory, "log"), "-o", settings, "start");
    return { url: createDatabase("codewise"), createDatabase, stop };
  } catch (error) {
    stop();
    throw error;
  }
}
