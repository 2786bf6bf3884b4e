import { GatewayError } from "../../http/errors.ts";
import type { ContentPart } from "../../openai/chat.ts";
import { isFields } from "../../openai/fields.ts";
import type { ClaudeImageBlock, ClaudeImageSource, ClaudeTextBlock } from "./types.ts";

/** The image types that Anthropic takes (platform.claude.com/docs, Vision). */
const IMAGE_MEDIA_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Content of a message (a string, parts or nothing) as Claude blocks. Anthropic refuses text blocks that are empty or
 * white space only, so empty ones are left out and white space joins the text before it.
 *
 * @param path The content's place in the request, for `param`, such as `messages[0].content`.
 * @throws GatewayError 400 naming the part that cannot be carried.
 */
export function translateContent(
  content: string | readonly ContentPart[] | null | undefined,
  path: string,
): (ClaudeTextBlock | ClaudeImageBlock)[] {
  const blocks: (ClaudeTextBlock | ClaudeImageBlock)[] = [];
  if (typeof content === "string") appendText(blocks, content);
  else content?.forEach((part, index) => appendPart(blocks, part, `${path}[${index}]`));
  return blocks;
}

/** As {@link translateContent}, for messages that carry text only, such as system messages. */
export function translateTextContent(
  content: string | readonly ContentPart[] | null | undefined,
  path: string,
): ClaudeTextBlock[] {
  return translateContent(content, path).map((block, index) => {
    if (block.type === "text") return block;
    const param = typeof content === "string" ? path : `${path}[${index}]`;
    throw new GatewayError("unsupported_value", "Images are supported in user and tool messages only.", { param });
  });
}

function appendPart(blocks: (ClaudeTextBlock | ClaudeImageBlock)[], part: ContentPart, path: string): void {
  switch (part.type) {
    case "text":
      appendText(blocks, requireText(part["text"], `${path}.text`));
      return;
    case "refusal":
      appendText(blocks, requireText(part["refusal"], `${path}.refusal`));
      return;
    case "image_url": {
      const image = part["image_url"];
      const url = requireText(isFields(image) ? image["url"] : undefined, `${path}.image_url.url`);
      blocks.push({ type: "image", source: translateImageUrl(url, `${path}.image_url.url`) });
      return;
    }
    default:
      throw new GatewayError(
        "unsupported_value",
        `Content parts of type '${part.type}' are not supported by this model.`,
        {
          param: `${path}.type`,
        },
      );
  }
}

function appendText(blocks: (ClaudeTextBlock | ClaudeImageBlock)[], text: string): void {
  if (text.trim() !== "") {
    blocks.push({ type: "text", text });
    return;
  }
  const last = blocks.at(-1);
  if (last?.type === "text") blocks[blocks.length - 1] = { type: "text", text: last.text + text };
}

function requireText(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw new GatewayError("invalid_type", `'${path}' must be a string.`, { param: path });
}

function translateImageUrl(url: string, path: string): ClaudeImageSource {
  if (/^data:/i.test(url)) return translateDataUrl(url, path);
  if (URL.canParse(url) && new URL(url).protocol === "https:") return { type: "url", url };
  throw new GatewayError("invalid_value", "An image must be an https:// URL or a base64 data: URL.", { param: path });
}

function translateDataUrl(url: string, path: string): ClaudeImageSource {
  const comma = url.indexOf(",");
  const [mediaType = "", ...parameters] = url.slice("data:".length, Math.max(comma, 0)).toLowerCase().split(";");
  const data = url.slice(comma + 1);
  if (comma === -1 || parameters.at(-1) !== "base64" || !BASE64.test(data)) {
    throw new GatewayError("invalid_value", "The image's data: URL is not valid base64.", { param: path });
  }
  if (!IMAGE_MEDIA_TYPES.has(mediaType)) {
    throw new GatewayError("unsupported_value", "An image must be a JPEG, PNG, GIF or WebP.", { param: path });
  }
  return { type: "base64", media_type: mediaType, data };
}
