/** Finds what dead processes of an agent have left, and takes the newest of it over. */
import { join } from "node:path";
import type { SpoolFiles } from "./spool-files.ts";
import type { SpoolOwner } from "./spool-owner.ts";
import { readRecords, type RecoveredRequest } from "./spool-record.ts";

/** The folder of one process: in which order they began, which instance, which process. */
export interface InstanceFolder {
  readonly path: string;
  readonly order: number;
  readonly instance: string;
  readonly owner: string;
}

/** A request and the file that it was found in. */
export interface FoundRequest extends RecoveredRequest {
  readonly path: string;
}

export interface ClaimedFolder {
  readonly path: string;
  readonly instance: string;
  readonly requests: readonly FoundRequest[];
}

/** Larger ones are not read: no file of ours is. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
/** What dead agents of other names or proxies have left is removed after so long, in milliseconds. */
const MAX_STRANGER_AGE_MS = 24 * 3_600_000;
const FOLDER_NAME = /^(\d{1,9})~([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})~([0-9]+-[0-9a-f]+)$/;

export function folderName(order: number, instance: string, owner: string): string {
  return `${order}~${instance}~${owner}`;
}

export function instanceFolders(files: SpoolFiles, home: string): InstanceFolder[] {
  return files.list(home).flatMap((name) => {
    const [, order, instance, owner] = FOLDER_NAME.exec(name) ?? [];
    if (order === undefined || instance === undefined || owner === undefined) return [];
    return [{ path: join(home, name), order: Number(order), instance, owner }];
  });
}

/**
 * Takes over the newest folder of a dead process in which the end of a request waits, and removes those of all other dead
 * processes: the proxy has one instance of an agent at a time. Without such an end there is nothing to take over for,
 * since a new instance may be given again what the dead one had begun.
 */
export function claimNewest(
  files: SpoolFiles,
  home: string,
  folders: readonly InstanceFolder[],
  owner: SpoolOwner,
): ClaimedFolder | undefined {
  let claimed: ClaimedFolder | undefined;
  for (const folder of folders.toSorted((left, right) => right.order - left.order)) {
    if (owner.isAlive(folder.owner)) continue;
    const path = join(home, folderName(folder.order, folder.instance, owner.key));
    if (!isRenamed(files, folder.path, path)) continue;
    const requests = claimed === undefined ? readRequests(files, path) : [];
    if (requests.some(({ messages }) => messages.length > 0)) claimed = { path, instance: folder.instance, requests };
    else files.remove(path);
  }
  return claimed;
}

/** Removes what nobody will come back for. */
export function removeStrangers(files: SpoolFiles, root: string, ownName: string, owner: SpoolOwner): void {
  for (const name of files.list(root)) {
    if (name === ownName || !/^[0-9a-f]{32}$/.test(name)) continue;
    const home = join(root, name);
    for (const folder of instanceFolders(files, home)) {
      const age = Date.now() - (files.changedAt(folder.path) ?? 0);
      if (age > MAX_STRANGER_AGE_MS && !owner.isAlive(folder.owner)) files.remove(folder.path);
    }
  }
}

/** Of two that try, one succeeds. */
function isRenamed(files: SpoolFiles, from: string, to: string): boolean {
  try {
    files.rename(from, to);
    return true;
  } catch {
    return false;
  }
}

function readRequests(files: SpoolFiles, folder: string): FoundRequest[] {
  return files.list(folder).flatMap((name) => {
    const path = join(folder, name);
    const text = files.readWhole(path, MAX_FILE_BYTES);
    const request = text === undefined ? undefined : readRecords(text);
    return request === undefined ? [] : [{ ...request, path }];
  });
}
