/** What the header of an image says. */
export interface ImageSize {
  readonly format: "png" | "jpeg" | "gif" | "webp";
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Reads the size of an image out of its first bytes, without decoding it: PNG (W3C PNG, 5.6 IHDR first), JPEG (ITU T.81,
 * B.2), GIF (GIF89a, 18 and 20) or WebP (RFC 9649). Linear in the bytes given.
 *
 * @param bytes the image's beginning: all of it up to its pixels
 * @returns `undefined` for another format, a header that is not all there or contradicts itself, and animated WebP
 */
export function readImageSize(bytes: Buffer): ImageSize | undefined {
  const size = readPng(bytes) ?? readJpeg(bytes) ?? readGif(bytes) ?? readWebp(bytes);
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

function readPng(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 24 || !bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return undefined;
  if (bytes.toString("latin1", 12, 16) !== "IHDR") return undefined;
  return { format: "png", width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function readJpeg(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xff_d8) return undefined;
  let found: ImageSize | undefined;
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      // Markers may be filled up.
      at += 1;
      continue;
    }
    if (marker === START_OF_SCAN) return found;
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return undefined;
    if (isStartOfFrame(marker)) {
      // A second one could have the decoder make room for more than the first says.
      if (found !== undefined || at + 9 > bytes.length) return undefined;
      found = { format: "jpeg", height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
    at += 2 + length;
  }
  return undefined;
}

const START_OF_SCAN = 0xda;

/** SOF0 to SOF15, among which DHT, JPG and DAC have their markers. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function readGif(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 13 || !/^GIF8[79]a$/.test(bytes.toString("latin1", 0, 6))) return undefined;
  const width = bytes.readUInt16LE(6);
  const height = bytes.readUInt16LE(8);
  const flags = bytes[10] ?? 0;
  let at = 13 + ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));
  while (bytes[at] === 0x21) {
    at += 2;
    // Sub-blocks, each behind its length, up to an empty one.
    while ((bytes[at] ?? 0) > 0) at += 1 + (bytes[at] ?? 0);
    at += 1;
  }
  // The first image may say that it is greater than the screen that it is on.
  if (bytes[at] !== 0x2c || at + 9 > bytes.length) return undefined;
  const isWithin =
    bytes.readUInt16LE(at + 1) + bytes.readUInt16LE(at + 5) <= width &&
    bytes.readUInt16LE(at + 3) + bytes.readUInt16LE(at + 7) <= height;
  return isWithin ? { format: "gif", width, height } : undefined;
}

function readWebp(bytes: Buffer): ImageSize | undefined {
  const isWebp = bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP";
  if (!isWebp || bytes.length < 30) return undefined;
  if (bytes.toString("latin1", 12, 16) !== "VP8X") return readWebpFrame(bytes, 12);
  const width = bytes.readUIntLE(24, 3) + 1;
  const height = bytes.readUIntLE(27, 3) + 1;
  for (let at = 12; at + 8 <= bytes.length;) {
    const frame = readWebpFrame(bytes, at);
    if (frame !== undefined) return frame.width === width && frame.height === height ? frame : undefined;
    if (bytes.toString("latin1", at, at + 4) === "ANMF") return undefined;
    const length = bytes.readUInt32LE(at + 4);
    at += 8 + length + (length % 2);
  }
  return undefined;
}

/** The chunk of a lossy or lossless image at a place, where one is there. */
function readWebpFrame(bytes: Buffer, at: number): ImageSize | undefined {
  const type = bytes.toString("latin1", at, at + 4);
  const data = at + 8;
  if (type === "VP8 " && data + 10 <= bytes.length && bytes.readUIntBE(data + 3, 3) === 0x9d_01_2a) {
    const width = bytes.readUInt16LE(data + 6) & 0x3f_ff;
    return { format: "webp", width, height: bytes.readUInt16LE(data + 8) & 0x3f_ff };
  }
  if (type === "VP8L" && data + 5 <= bytes.length && bytes[data] === 0x2f) {
    const bits = bytes.readUInt32LE(data + 1);
    return { format: "webp", width: (bits & 0x3f_ff) + 1, height: ((bits >>> 14) & 0x3f_ff) + 1 };
  }
  return undefined;
}
