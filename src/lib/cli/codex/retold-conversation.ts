import { retoldItemSchema } from "./protocol.ts";

/** A conversation as the CLI tells it again before its turn: about when it answers that it has it, before or after that. */
export interface RetoldConversation {
  /** Takes what is said about the thread before its turn. */
  push(method: string, params: unknown): void;
  /** Resolves once all of it was told again, at once where it has no image, and after so many milliseconds in any case. */
  whole(waitMs: number): Promise<void>;
  /** How many images the model will not see: a text stands in the place of those that the CLI cannot decode. */
  countLostImages(): number;
}

/** @param given how many items the conversation has, and how many images. Where not all items are told again, none is lost. */
export function createRetoldConversation(given: {
  readonly items: number;
  readonly images: number;
}): RetoldConversation {
  let items = 0;
  let images = 0;
  const told = Promise.withResolvers<void>();
  if (given.images === 0) told.resolve();
  return {
    push(method, params) {
      if (given.images === 0 || method !== "rawResponseItem/completed") return;
      const retold = retoldItemSchema.safeParse(params);
      if (!retold.success) return;
      const { content, output } = retold.data.item;
      items += 1;
      images += countImages(content) + countImages(output);
      if (items === given.items) told.resolve();
    },
    async whole(waitMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, waitMs);
      });
      await Promise.race([told.promise, late]);
      clearTimeout(timer);
    },
    countLostImages: () => (items === given.items ? given.images - images : 0),
  };
}

function countImages(content: string | readonly { readonly type: string }[] | null | undefined): number {
  return Array.isArray(content) ? content.filter(({ type }) => type === "input_image").length : 0;
}
