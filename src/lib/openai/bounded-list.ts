import { z } from "zod";

/**
 * A list of at most `max` elements that reports the issues of its first wrong element only. `z.array` gathers the issues
 * of every element, so that a few megabytes of junk would cost seconds and gigabytes.
 */
export function boundedList<Element extends z.ZodType>(
  element: Element,
  limits: { readonly min?: number; readonly max: number },
) {
  return z
    .array(z.unknown())
    .min(limits.min ?? 0)
    .max(limits.max)
    .transform((items, context): z.output<Element>[] => {
      const list: z.output<Element>[] = [];
      for (const [index, item] of items.entries()) {
        const parsed = element.safeParse(item);
        if (!parsed.success) {
          for (const issue of parsed.error.issues) {
            const located = { ...issue, path: [index, ...issue.path], input: item };
            context.issues.push(located as z.core.$ZodRawIssue);
          }
          return z.NEVER;
        }
        list.push(parsed.data);
      }
      return list;
    });
}
