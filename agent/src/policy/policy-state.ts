/** What the policy must know after a restart, in one small file that only its owner can read. */
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { preparePrivateFolder, writeAtomically } from "../private-files.ts";
import { ledgerStateSchema } from "./usage-ledger.ts";

const MAX_FILE_BYTES = 1024 * 1024;

const policyStateSchema = z.object({
  /** Since when it is paused, in epoch milliseconds, and for how many milliseconds; null: until it is resumed. */
  pause: z.object({ at: z.int().nonnegative(), forMs: z.int().positive().nullable() }).nullable(),
  ledger: ledgerStateSchema,
});
export type PolicyState = z.infer<typeof policyStateSchema>;

/** Where the state is kept. */
export interface PolicyStore {
  /** The state of the last process; undefined where there is none. */
  load(): PolicyState | undefined;
  save(state: PolicyState): void;
}

/**
 * A store in the file at `path`. What is wrong with it is told to `onProblem`, in one line that quotes nothing, and stops
 * nothing: a damaged file counts as none, and where none can be written the state lives as long as the process.
 */
export function createFileStore(path: string, onProblem: (problem: string) => void): PolicyStore {
  let isWritable = true;
  return {
    load() {
      const text = attempt(() => readBounded(path));
      if (text.value === undefined) {
        if (text.code !== "ENOENT") onProblem(`cannot read ${path} (${text.code}): limits are counted from now`);
        return undefined;
      }
      const parsed = policyStateSchema.safeParse(attempt((): unknown => JSON.parse(text.value)).value);
      if (!parsed.success) onProblem(`${path} is damaged: limits are counted from now, and nothing is paused`);
      return parsed.data;
    },
    save(state) {
      const written = attempt(() => {
        preparePrivateFolder(dirname(path));
        writeAtomically(path, `${JSON.stringify(state)}\n`);
      });
      if (written.code === undefined) isWritable = true;
      else if (isWritable) {
        isWritable = false;
        onProblem(`cannot write ${path} (${written.code}): a restart will forget limits and pauses`);
      }
    },
  };
}

function readBounded(path: string): string {
  if (statSync(path).size > MAX_FILE_BYTES) return "";
  return readFileSync(path, "utf8");
}

type Attempt<Value> =
  | { readonly value: Value; readonly code?: undefined }
  | { readonly value?: undefined; readonly code: string };

function attempt<Value>(work: () => Value): Attempt<Value> {
  try {
    return { value: work() };
  } catch (error) {
    return { code: error instanceof Error && "code" in error ? String(error.code) : "unreadable" };
  }
}
