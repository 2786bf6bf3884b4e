/** Whether a JSON value has arrays and objects within one another on more levels than so many; goes no deeper than that. */
export function hasMoreLevels(value: unknown, maxLevels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (maxLevels === 0) return true;
  return Object.values(value).some((member) => hasMoreLevels(member, maxLevels - 1));
}
