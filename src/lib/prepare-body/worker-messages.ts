import type { ErrorFields } from "../http/error-fields.ts";
import type { BodyForm } from "./prepare-body.ts";

/** To the thread: the bytes of a chat request, which become the thread's. */
export interface PrepareQuestion {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly form: BodyForm;
}

/** From the thread: the bytes for the target, which become the asker's, or why there are none. */
export type PrepareAnswer =
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly droppedParams: readonly string[] }
  | { readonly error: ErrorFields };
