/** The first value of a header of an upstream's answer. */
export function readHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
