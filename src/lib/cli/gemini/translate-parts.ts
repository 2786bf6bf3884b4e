import { GatewayError } from "../../http/errors.ts";
import type { ContentPart } from "../../openai/chat.ts";
import { isFields } from "../../openai/fields.ts";
import type { GeminiPart } from "./gemini-content.ts";

const IMAGE_MEDIA_TYPES: ReadonlySet<string> = new Set([
  "image/jpeg",
  "image/png",
  "image/gif",
  "image/webp",
  "image/heic",
  "image/heif",
]);
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Content of a message (a string, parts or nothing) as Gemini parts. The API refuses empty texts, so they are left out.
 *
 * @param path The content's place in the request, for `param`, such as `messages[0].content`.
 * @throws GatewayError 400 naming the part; with `failover` for an image that only another provider can fetch
 */
export function translateParts(
  content: string | readonly ContentPart[] | null | undefined,
  path: string,
): readonly GeminiPart[] {
  if (typeof content === "string") return textPart(content);
  return (content ?? []).flatMap((part, index) => translatePart(part, `${path}[${index}]`));
}

/** As {@link translateParts}, for messages that carry text only. */
export function translateText(content: string | readonly ContentPart[] | null | undefined, path: string): string {
  return translateParts(content, path)
    .map((part, index) => {
      if ("text" in part) return part.text;
      const param = `${path}[${index}]`;
      throw new GatewayError("unsupported_value", "Images are supported in user messages only.", { param });
    })
    .join("\n\n");
}

function textPart(text: string): readonly GeminiPart[] {
  return text === "" ? [] : [{ text }];
}

function translatePart(part: ContentPart, path: string): readonly GeminiPart[] {
  switch (part.type) {
    case "text":
      return textPart(requireText(part["text"], `${path}.text`));
    case "refusal":
      return textPart(requireText(part["refusal"], `${path}.refusal`));
    case "image_url": {
      const image = part["image_url"];
      const url = requireText(isFields(image) ? image["url"] : undefined, `${path}.image_url.url`);
      return [{ inlineData: translateImage(url, `${path}.image_url.url`) }];
    }
    default:
      throw new GatewayError("unsupported_value", `Content parts of type '${part.type}' are not supported here.`, {
        param: `${path}.type`,
        failover: true,
      });
  }
}

function requireText(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw new GatewayError("invalid_type", `'${path}' must be a string.`, { param: path });
}

function translateImage(url: string, path: string): { mimeType: string; data: string } {
  if (!/^data:/i.test(url)) {
    const message = "The CLI takes images as base64 data: URLs only.";
    throw new GatewayError("unsupported_value", message, { param: path, failover: true });
  }
  const comma = url.indexOf(",");
  const [mimeType = "", ...parameters] = url.slice("data:".length, Math.max(comma, 0)).toLowerCase().split(";");
  const data = url.slice(comma + 1);
  if (comma === -1 || parameters.at(-1) !== "base64" || !BASE64.test(data)) {
    throw new GatewayError("invalid_value", "The image's data: URL is not valid base64.", { param: path });
  }
  if (!IMAGE_MEDIA_TYPES.has(mimeType)) {
    throw new GatewayError("unsupported_value", "An image must be a JPEG, PNG, GIF, WebP, HEIC or HEIF.", {
      param: path,
    });
  }
  return { mimeType, data };
}
