import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One run's folder, for this user only (0700). */
export interface RunFolder {
  /** An empty folder to run in. */
  readonly workDirectory: string;
  /** For the process's own temporary files and sockets; with a short path, since a socket's is bounded. */
  readonly temporaryFolder: string;
  /** Writes a file (0600) beside the empty folder and gives its absolute path. */
  writeFile(name: string, text: string): Promise<string>;
  remove(): Promise<void>;
}

export interface PrivateFolder {
  /** Absolute path; its name begins with `codewise-cli-`. */
  readonly path: string;
  createRunFolder(): Promise<RunFolder>;
  remove(): Promise<void>;
}

/** Makes a folder with a random name for this user only, in `parent` or the system's temporary folder. */
export async function createPrivateFolder(parent: string = tmpdir()): Promise<PrivateFolder> {
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, "codewise-cli-"));

  const makeRunPath = async (): Promise<string> => {
    const prefix = join(path, "run-");
    try {
      return await mkdtemp(prefix);
    } catch {
      // A cleaner of old temporary files took the folder. Made anew it must not be anyone else's: this fails if it exists.
      await mkdir(path, { mode: 0o700 });
      return mkdtemp(prefix);
    }
  };

  return {
    path,
    async createRunFolder() {
      const runPath = await makeRunPath();
      const workDirectory = join(runPath, "empty");
      const temporaryFolder = join(runPath, "t");
      for (const folder of [workDirectory, temporaryFolder]) await mkdir(folder, { mode: 0o700 });
      return {
        workDirectory,
        temporaryFolder,
        async writeFile(name, text) {
          const file = join(runPath, name);
          await writeFile(file, text, { mode: 0o600, flag: "wx" });
          return file;
        },
        remove: () => rm(runPath, { recursive: true, force: true, maxRetries: 3 }),
      };
    },
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
