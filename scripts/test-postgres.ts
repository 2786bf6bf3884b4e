/**
 * Runs the database suites against a real PostgreSQL: the one at TEST_DATABASE_URL, or a private cluster that is made in
 * a temporary folder, listens on 127.0.0.1 and is stopped at the end.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

const SUITES = ["src/lib/db", "src/lib/keys", "src/lib/usage", "src/lib/admin"];

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

function runSuites(databaseUrl: string): number {
  const vitest = join(import.meta.dirname, "..", "node_modules", "vitest", "vitest.mjs");
  const result = spawnSync(process.execPath, [vitest, "run", "--fileParallelism=false", ...SUITES], {
    stdio: "inherit",
    env: { ...process.env, TEST_DATABASE_URL: databaseUrl },
  });
  return result.status ?? 1;
}

async function withPrivateCluster(): Promise<number> {
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
  try {
    run("initdb", "-D", data, "-U", "codewise", "-A", "trust", "--locale=C.UTF-8");
    run(
      "pg_ctl",
      "-D",
      data,
      "-w",
      "-l",
      join(directory, "log"),
      "-o",
      `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${directory} -c fsync=off`,
      "start",
    );
    run("createdb", "-h", "127.0.0.1", "-p", String(port), "-U", "codewise", "codewise");
    return runSuites(`postgres://codewise@127.0.0.1:${port}/codewise`);
  } finally {
    if (existsSync(join(data, "postmaster.pid"))) run("pg_ctl", "-D", data, "-m", "fast", "-w", "stop");
    rmSync(directory, { recursive: true, force: true });
  }
}

const given = process.env["TEST_DATABASE_URL"];
process.exitCode = given === undefined ? await withPrivateCluster() : runSuites(given);
