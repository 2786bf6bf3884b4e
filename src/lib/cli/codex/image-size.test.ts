import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readImageSize } from "./image-size.ts";

const base64 = (text: string): Buffer => Buffer.from(text, "base64");
/** Beginnings of images of 300×200 pixels, written by libvips. */
const PNG = base64("iVBORw0KGgoAAAANSUhEUgAAASwAAADICAIAAADdvUsC");
const GIF = base64("R0lGODlhLAHIAIAAAExpcRI0ViH5BAUAAAAALAAAAAAsAcgAAAL/jI+py+0Po5y02ouz3rz7D4biSJbm");
const WEBP_LOSSY = base64("UklGRrwAAABXRUJQVlA4ILAAAADwEACdASosAcgAP83m8XO/uDOsoA==");
const WEBP_LOSSLESS = base64("UklGRiQAAABXRUJQVlA4TBgAAAAvK8ExAAdQmkrUqv8BAEX6/58i+p/6/zU=");
const WEBP_ALPHA = base64(
  "UklGRtIAAABXRUJQVlA4WAoAAAAQAAAAKwEAxwAAQUxQSBIAAAABB1DAiAgAKNL//xTR/9T/rwFWUDggmgAAAHAQAJ0BKiwByAA/zebxc78=",
);

const START = [0xff, 0xd8];
const segment = (marker: number, bytes: readonly number[]): number[] => [
  0xff,
  marker,
  (bytes.length + 2) >> 8,
  (bytes.length + 2) & 0xff,
  ...bytes,
];
const frame = (marker: number, width: number, height: number): number[] =>
  segment(marker, [8, height >> 8, height & 0xff, width >> 8, width & 0xff, 1, 1, 0x11, 0]);
const SCAN = segment(0xda, [1, 1, 0, 0, 63, 0]);
const jpeg = (...parts: readonly (readonly number[])[]): Buffer => Buffer.from([START, ...parts].flat());
/** A JPEG within a JPEG, as cameras write a preview. */
const PREVIEW = segment(0xe1, [...START, ...frame(0xc0, 16, 12), ...SCAN]);

const IMAGES: readonly (readonly [string, Buffer, string])[] = [
  ["PNG", PNG, "png"],
  ["GIF", GIF, "gif"],
  ["lossy WebP", WEBP_LOSSY, "webp"],
  ["lossless WebP", WEBP_LOSSLESS, "webp"],
  ["WebP with alpha", WEBP_ALPHA, "webp"],
  ["baseline JPEG", jpeg(segment(0xdb, [0]), frame(0xc0, 300, 200), SCAN), "jpeg"],
  ["progressive JPEG behind a preview", jpeg(PREVIEW, [0xff], frame(0xc2, 300, 200), segment(0xc4, [0]), SCAN), "jpeg"],
];

function patched(image: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(image);
  copy[at] = byte;
  return copy;
}

describe("readImageSize", () => {
  it.each(IMAGES)("reads the size of a %s", (_name, image, format) => {
    expect(readImageSize(image)).toEqual({ format, width: 300, height: 200 });
  });

  it("knows no size of what is cut short, and reads nothing beyond it", () => {
    for (const [name, image] of IMAGES) {
      const sizes = Array.from(image, (_, length) => readImageSize(image.subarray(0, length)));
      const known = sizes.filter((size) => size !== undefined);
      expect([name, known.every(({ width, height }) => width === 300 && height === 200)]).toEqual([name, true]);
      expect([name, sizes.slice(0, 24).every((size) => size === undefined)]).toEqual([name, true]);
    }
  });

  it("takes any bytes", () => {
    const beginnings = [Buffer.alloc(0), ...IMAGES.map(([, image]) => image)];
    fc.assert(
      fc.property(
        fc.constantFrom(...beginnings),
        fc.nat(100),
        fc.uint8Array({ maxLength: 60 }),
        (image, cut, noise) => {
          const size = readImageSize(Buffer.concat([image.subarray(0, cut), noise]));
          expect(size === undefined || (size.width > 0 && size.height > 0)).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("knows no size of an image that says two of them", () => {
    expect(readImageSize(jpeg(frame(0xc0, 300, 200), frame(0xc0, 9000, 9000), SCAN))).toBeUndefined();
    // The image on the screen is 301 pixels wide; the picture is not as wide as its canvas.
    const descriptor = GIF.indexOf(0x2c, 13);
    expect(readImageSize(patched(GIF, descriptor + 5, 0x2d))).toBeUndefined();
    expect(readImageSize(patched(WEBP_ALPHA, 24, 0x2c))).toBeUndefined();
  });

  it("knows no size of another format", () => {
    for (const text of [
      "",
      "<svg width='1' height='1'/>",
      "BM6".padEnd(60, "\0"),
      "RIFF0000WAVEfmt ".padEnd(60, "\0"),
    ]) {
      expect(readImageSize(Buffer.from(text))).toBeUndefined();
    }
  });
});
