import { isFields } from "../../src/lib/openai/fields.ts";
import { MESSAGE_STATUSES, type PostAnswer } from "../../src/lib/agent/types.ts";

const STATUSES: ReadonlySet<unknown> = new Set(MESSAGE_STATUSES);
const MAX_ID_LENGTH = 128;

/**
 * Whether a value is an answer to a POST as nearly all are, for which `postAnswerSchema` would answer the very same
 * value. `false` says nothing: the schema decides.
 */
export function isPlainAnswer(value: unknown): value is PostAnswer {
  if (!isFields(value)) return false;
  const { results, cancels } = value;
  return Array.isArray(cancels) && cancels.length === 0 && Array.isArray(results) && results.every(isPlainResult);
}

function isPlainResult(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { requestId, status, ackedSeq, retryAfterMs } = value;
  return (
    typeof requestId === "string" &&
    requestId !== "" &&
    requestId.length <= MAX_ID_LENGTH &&
    STATUSES.has(status) &&
    isCount(ackedSeq) &&
    (retryAfterMs === undefined || isCount(retryAfterMs))
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
