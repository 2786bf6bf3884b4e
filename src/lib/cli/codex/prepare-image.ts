import { GatewayError } from "../../http/errors.ts";
import { isFields, type Fields } from "../../openai/fields.ts";
import { cannotCarry } from "./client-tools.ts";
import { readImageSize } from "./image-size.ts";

/** An image of a request: where it stands, and its size in pixels. */
export interface PlacedImage {
  readonly param: string;
  readonly width: number;
  readonly height: number;
}

/** Up to which size the CLI sends an image as it is; a greater one is decoded and made smaller without a word. */
export interface ImageLimits {
  /** Squares of 32 pixels a side, those that are cut counted as whole. */
  readonly patches: number;
  /** Pixels of the longer side. */
  readonly side: number;
}

/** Of the models in the CLI's catalogue (0.169.0, by experiment): all have `supports_image_detail_original`. */
export const CATALOG_IMAGE_LIMITS: ImageLimits = { patches: 10_000, side: 6000 };
/** Of models that the CLI does not know. */
export const OTHER_IMAGE_LIMITS: ImageLimits = { patches: 2500, side: 2048 };

const PATCH_PIXELS = 32;
const MAX_IMAGES = 20;
/** Of base64: whatever stands before an image's pixels, such as a colour profile or a preview. A multiple of four. */
const HEADER_CHARACTERS = 1024 * 1024;
const MEDIA_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"]);
const NOT_BASE64 = /[^A-Za-z0-9+/]/;
/** With any other the CLI refuses the whole conversation. */
const DETAILS: ReadonlySet<unknown> = new Set(["auto", "low", "high", "original"]);

/**
 * An `image_url` of a chat request as an item's content of the Responses API. The address says the format that the image
 * has: where it says another, the CLI decodes the image and writes it anew.
 *
 * @param param the image's place in the request, such as `messages[0].content[1].image_url`
 * @throws GatewayError 400; with `failover` for what another provider could carry
 */
export function prepareImage(image: Fields, param: string): { readonly content: Fields; readonly placed: PlacedImage } {
  const { mediaType, data } = splitDataUrl(String(image["url"]), param);
  const size = MEDIA_TYPES.has(mediaType)
    ? readImageSize(Buffer.from(data.slice(0, HEADER_CHARACTERS), "base64"))
    : undefined;
  if (size === undefined) throw cannotCarry(param, "The CLI takes images only that are a PNG, JPEG, GIF or still WebP");
  const { format, width, height } = size;
  const detail = DETAILS.has(image["detail"]) ? { detail: image["detail"] } : {};
  const content = { type: "input_image", image_url: `data:image/${format};base64,${data}`, ...detail };
  return { content, placed: { param, width, height } };
}

/**
 * Refuses images that the CLI would not send as they are, and more than it should hold at a time.
 *
 * @throws GatewayError 400 with `failover`
 */
export function refuseLargeImages(images: readonly PlacedImage[], limits: ImageLimits): void {
  const last = images[MAX_IMAGES];
  if (last !== undefined) throw cannotCarry(last.param, `The CLI takes ${MAX_IMAGES} images a request`);
  for (const { param, width, height } of images) {
    const patches = Math.ceil(width / PATCH_PIXELS) * Math.ceil(height / PATCH_PIXELS);
    if (patches <= limits.patches && Math.max(width, height) <= limits.side) continue;
    throw cannotCarry(param, `The CLI would make an image of ${width}×${height} pixels smaller for this model`);
  }
}

function splitDataUrl(url: string, param: string): { readonly mediaType: string; readonly data: string } {
  // Never an address or a path: what the upstream gets is what the client sent.
  if (!/^data:/i.test(url)) throw cannotCarry(param, "The CLI takes images as base64 data: URLs only");
  const comma = url.indexOf(",");
  const head = url.slice("data:".length, Math.max(comma, 0)).toLowerCase();
  const [mediaType = "", ...parameters] = head.split(";", 8);
  const data = url.slice(comma + 1);
  if (comma === -1 || parameters.at(-1) !== "base64" || !isBase64(data)) {
    throw new GatewayError("invalid_value", "The image's data: URL is not valid base64.", { param });
  }
  return { mediaType, data };
}

/** RFC 4648, 4, with its padding and without unused bits: what a strict decoder takes. */
function isBase64(data: string): boolean {
  const last = data.slice(-4);
  if (data === "" || data.length % 4 !== 0 || NOT_BASE64.test(data.slice(0, -4))) return false;
  return Buffer.from(last, "base64").toString("base64") === last;
}

/** Whether a part of a message is an image. */
export function readImage(part: Fields): Fields | undefined {
  const image = part["image_url"];
  return part["type"] === "image_url" && isFields(image) && "url" in image ? image : undefined;
}
