/** Folders and files that only this user can read. */
import { randomUUID } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { renameSync, rmSync, writeFileSync } from "node:fs";

/** A folder of this user's own, made if need be with those above it, and closed to others. Throws errors with a system's code. */
export function preparePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Where others may write beside it, as in the folder for temporary files, it might be theirs, or a link of theirs.
  const found = lstatSync(folder);
  const isOwn = process.geteuid === undefined || found.uid === process.geteuid();
  if (!found.isDirectory() || !isOwn) {
    throw Object.assign(new Error(`${folder} is no folder of this user`), { code: "ENOTDIR" });
  }
  chmodSync(folder, 0o700);
}

/** At once or not at all: whoever reads sees the old file or the new one. Its folder must be there. Throws the system's errors. */
export function writeAtomically(path: string, text: string | Uint8Array): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
