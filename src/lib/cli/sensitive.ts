/** Longest tail that is kept of a run's stderr, in UTF-16 units. */
export const MAX_STDERR_TAIL = 4096;
/** Held before secrets are removed, so that one cut in half by the bound cannot show in the tail. */
const MAX_HELD = 4 * MAX_STDERR_TAIL;
const REMOVED = "[removed]";

/** Vendor keys and tokens, bearer headers, JSON web tokens, and passwords in URLs. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:sk|cw)[-_][A-Za-z0-9_-]{6,}/g, REMOVED],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${REMOVED}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, REMOVED],
  [/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, `$1${REMOVED}@`],
  [/\b((?:api[_-]?key|token|secret|password)["']?\s*[:=]\s*["']?)[^\s"',;]{6,}/gi, `$1${REMOVED}`],
];

const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|AUTH|HEADERS/i;

/** The values of an environment that are secrets by their name; too short ones could hide ordinary words. */
export function secretValues(environment: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(environment)
    .filter(([name, value]) => SECRET_NAME.test(name) && value.length >= 8)
    .map(([, value]) => value);
}

/** Replaces known secrets, and what looks like one, by `[removed]`. */
export function removeSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, REMOVED);
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
  return clean;
}

export interface StderrTail {
  push(text: string): void;
  /** The last part of what was written, secrets removed; `undefined` when nothing was. */
  read(): string | undefined;
}

/** Keeps the end of a stream of text in bounded memory. */
export function createStderrTail(secrets: readonly string[]): StderrTail {
  let held = "";
  return {
    push(text) {
      held = (held + text.slice(-MAX_HELD)).slice(-MAX_HELD);
    },
    read() {
      const clean = removeSecrets(held, secrets).trim();
      return clean === "" ? undefined : clean.slice(-MAX_STDERR_TAIL);
    },
  };
}
