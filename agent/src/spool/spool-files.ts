/** What the spool asks of the file system: a few calls, so that a test can have a disk that fails. */
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { preparePrivateFolder } from "../private-files.ts";

/** All calls are at once and throw what `node:fs` throws. */
export interface SpoolFiles {
  /** Makes a folder that only its user can enter, with those above it. Throws where something else is there. */
  makeFolder(path: string): void;
  /** Names in a folder; none where it is not there. */
  list(path: string): readonly string[];
  rename(from: string, to: string): void;
  /** A new file that only its user can read, open for both. */
  create(path: string): number;
  /** Appends at `position`; may have written a part when it throws. */
  write(file: number, bytes: Buffer, position: number): void;
  read(file: number, position: number, length: number): Buffer;
  truncate(file: number, length: number): void;
  close(file: number): void;
  readWhole(path: string, maxBytes: number): string | undefined;
  /** Removes a file or a folder with all that is in it; nothing happens where there is none. */
  remove(path: string): void;
  /** Time of the last change, in milliseconds of the wall clock; undefined where it is not there. */
  changedAt(path: string): number | undefined;
}

export const realFiles: SpoolFiles = {
  makeFolder: preparePrivateFolder,
  list(path) {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
  rename: renameSync,
  create: (path) => openSync(path, "wx+", 0o600),
  write(file, bytes, position) {
    let written = 0;
    while (written < bytes.length)
      written += writeSync(file, bytes, written, bytes.length - written, position + written);
  },
  read(file, position, length) {
    const bytes = Buffer.alloc(length);
    let got = 0;
    while (got < length) {
      const count = readSync(file, bytes, got, length - got, position + got);
      if (count === 0) throw new Error("the file is shorter than it was");
      got += count;
    }
    return bytes;
  },
  truncate: ftruncateSync,
  close: closeSync,
  readWhole(path, maxBytes) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found?.isFile() === true && found.size <= maxBytes ? readFileSync(path, "utf8") : undefined;
  },
  remove: (path) => rmSync(path, { recursive: true, force: true }),
  changedAt: (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs,
};
