/** Spools of agents in this process, which share one process id: their deaths are said, and their disks may be full. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentLogger } from "../../../agent/src/logger.ts";
import { realFiles, type SpoolFiles } from "../../../agent/src/spool/spool-files.ts";
import { Spool } from "../../../agent/src/spool/spool.ts";

/** Bytes that an agent's disk takes before it is full. */
export type DiskPlan = { readonly fullAfterBytes: number } | "roomy";

export interface SeededSpool {
  readonly spool: Spool;
  /** Its process is gone: nothing it does reaches the disk any more. */
  readonly die: () => void;
}

/** All spools of one run. */
export class SpoolShelf {
  readonly #folder = mkdtempSync(join(tmpdir(), "chaos-spool-"));
  readonly #alive = new Set<string>();
  readonly #onFull: () => void;
  #count = 0;

  constructor(onFull: () => void) {
    this.#onFull = onFull;
  }

  open(agentId: string, url: string, disk: DiskPlan, logger: AgentLogger): SeededSpool {
    this.#count += 1;
    const key = `${this.#count}-0`;
    this.#alive.add(key);
    const isDead = (): boolean => !this.#alive.has(key);
    const files = mortal(disk === "roomy" ? realFiles : fullAfter(disk.fullAfterBytes, this.#onFull), isDead);
    const owner = { key, isAlive: (other: string) => this.#alive.has(other) };
    return {
      spool: new Spool({ folder: this.#folder, url, agentId, logger, files, owner }),
      die: () => void this.#alive.delete(key),
    };
  }

  /** Answers still on disk. */
  files(): readonly string[] {
    if (!existsSync(this.#folder)) return [];
    const entries = readdirSync(this.#folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A file system of which a dead process has nothing more. */
function mortal(files: SpoolFiles, isDead: () => boolean): SpoolFiles {
  return new Proxy(files, {
    get(target, name: keyof SpoolFiles) {
      const call = target[name] as (...given: unknown[]) => unknown;
      return (...given: unknown[]) => {
        if (isDead() && name !== "close") throw new Error("the process is dead");
        return call(...given);
      };
    },
  });
}

/** A disk that takes so many bytes, and half of the write that would be more. */
function fullAfter(room: number, onFull: () => void): SpoolFiles {
  let left = room;
  return {
    ...realFiles,
    write(file, bytes, position) {
      const fits = Math.min(bytes.length, left);
      realFiles.write(file, bytes.subarray(0, fits), position);
      left -= fits;
      if (fits === bytes.length) return;
      onFull();
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    },
  };
}
