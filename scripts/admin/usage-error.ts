/** The caller must change something: exit code 2. */
export class UsageError extends Error {}
