import { z } from "zod";

/** What Emscripten's file system throws, which is no Error; `errno` is a number of WASI (preview 1, type `errno`). */
const fileSystemErrorSchema = z.object({ name: z.string(), errno: z.int() });

/** The numbers that a folder's owner can do something about. */
const WASI_ERRORS: Readonly<Record<number, string>> = {
  2: "EACCES: permission denied",
  19: "EDQUOT: the disk quota is used up",
  20: "EEXIST: the file exists",
  22: "EFBIG: the file is too large",
  29: "EIO: input/output error",
  31: "EISDIR: is a directory",
  33: "EMFILE: too many open files",
  41: "ENFILE: too many open files in the system",
  44: "ENOENT: no such file or directory",
  51: "ENOSPC: no space left on the device",
  54: "ENOTDIR: not a directory",
  63: "EPERM: operation not permitted",
  69: "EROFS: the file system is read-only",
};

/** Why the embedded database could not be opened, in one line, whatever was thrown. */
export function describeOpenFailure(thrown: unknown): string {
  if (thrown instanceof Error && thrown.message !== "") return thrown.message;
  const fileSystemError = fileSystemErrorSchema.safeParse(thrown).data;
  if (fileSystemError !== undefined) {
    return WASI_ERRORS[fileSystemError.errno] ?? `${fileSystemError.name} ${fileSystemError.errno}`;
  }
  return typeof thrown === "string" && thrown !== "" ? thrown : "unknown error";
}
