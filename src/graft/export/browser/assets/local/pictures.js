// From the bytes of a picture to the pixels that the graph takes: upright, on white, and divided where there are many. The
// browser decodes; it neither turns nor resizes nor converts a colour.

import { plain, sniff } from "./headers.js";
import { Trouble } from "./trouble.js";

const TILE = 2048; // pixels a side of what a canvas holds at once: far below where a canvas comes back blank
const SAVE_AS = "Save it as JPEG or PNG.";
const AGAIN = "Copy or download it again.";

// What a browser may fail to decode, and what is no picture, in words.
const KINDS = {
  heic: ["a HEIC picture, as phones make them", "Save it as JPEG or PNG, or choose it from the phone's photos, which gives a JPEG."],
  avif: ["an AVIF picture", SAVE_AS],
  tiff: ["a TIFF picture", SAVE_AS],
  pnm: ["a PPM, PGM or PBM picture", SAVE_AS],
  mp4: ["a film", "Give a single frame of it."],
  webm: ["a WebM or Matroska file", "Give a single frame of it."],
  pdf: ["a PDF document", "Save its pages as JPEG or PNG."],
  zip: ["a zip archive", "Unpack it."],
  html: ["a web page, as a download that failed leaves it", "Download the picture itself."],
};
const DECODED = new Set(["jpeg", "png", "gif", "webp", "bmp"]);
const WITHOUT_ALPHA = new Set(["jpeg"]);

// How a stored picture of this width and height is drawn upright, by its turn tag.
const UPRIGHT = {
  1: () => [1, 0, 0, 1, 0, 0],
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (w, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (w, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
};

// {data: Uint8Array (height x width x 3), height, width}. `limits`: {max_pixels, limit_pixels, limit_side}.
export async function decodePicture(blob, limits) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (!bytes.length) throw new Trouble("empty", "The file is empty.", AGAIN);
  const kind = sniff(bytes);
  if (!DECODED.has(kind) && !["heic", "avif", "tiff"].includes(kind)) {
    const [what, advice] = KINDS[kind] ?? ["something else", "Check that it opens in a picture viewer."];
    throw new Trouble("not_a_picture", `The file is not a picture that can be read: it is ${what}.`, advice);
  }
  const file = plain(bytes, kind);
  checkSize(file.width, file.height, limits);
  const bitmap = await decoded(file.bytes, kind);
  try {
    checkSize(bitmap.width, bitmap.height, limits);
    return read(bitmap, file.turn, limits.max_pixels, WITHOUT_ALPHA.has(kind));
  } finally {
    bitmap.close();
  }
}

function checkSize(width, height, { limit_pixels: most, limit_side: side }) {
  if (Math.max(width, height) > side)
    throw new Trouble("too_large", `The picture is ${count(width)} x ${count(height)} pixels; the limit of a side is ${count(side)}.`, "Cut it into parts.");
  if (width * height > most)
    throw new Trouble("too_large", `The picture is ${count(width)} x ${count(height)} pixels; the limit is ${most / 1e6} megapixels.`, "Make it smaller, or save it as JPEG.");
}

const count = (n) => n.toLocaleString("en");

async function decoded(bytes, kind) {
  const file = new Blob([bytes]);
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  try {
    // An older browser does not know this word, and refuses the others with it.
    return await createImageBitmap(file, { ...options, imageOrientation: "from-image" }).catch(() => createImageBitmap(file, options));
  } catch {
    if (KINDS[kind]) throw new Trouble("not_supported", `This browser does not read ${KINDS[kind][0]}.`, KINDS[kind][1]);
    throw new Trouble("corrupt", `The ${kind.toUpperCase()} picture is damaged or cut short.`, AGAIN);
  }
}

// The least whole factor f with (height // f) * (width // f) of at most `most`.
function factorFor(height, width, most) {
  let factor = 1;
  while (Math.floor(height / factor) * Math.floor(width / factor) > most) factor += 1;
  return factor;
}

function read(bitmap, turn, most, opaque) {
  const [width, height] = turn < 5 ? [bitmap.width, bitmap.height] : [bitmap.height, bitmap.width];
  const f = factorFor(height, width, most);
  const [columns, rows] = [Math.floor(width / f), Math.floor(height / f)];
  const [left, top] = [Math.floor((width % f) / 2), Math.floor((height % f) / 2)];
  const step = Math.max(1, Math.floor(TILE / f));
  const canvas = new OffscreenCanvas(Math.min(columns, step) * f, Math.min(rows, step) * f);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.imageSmoothingEnabled = false;
  const tile = (x, y, w, h, ground = "#fff") => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = ground;
    context.fillRect(0, 0, w, h);
    const [a, b, c, d, e, g] = UPRIGHT[turn](bitmap.width, bitmap.height);
    context.setTransform(a, b, c, d, e - x, g - y);
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, w, h).data;
  };
  const data = new Uint8Array(rows * columns * 3);
  let blank = true;
  for (let row = 0; row < rows; row += step) {
    for (let column = 0; column < columns; column += step) {
      const [w, h] = [Math.min(step, columns - column), Math.min(step, rows - row)];
      const pixels = tile(left + column * f, top + row * f, w * f, h * f);
      if (pixels[3] !== 255) throw lost();
      blank = divide(pixels, w, h, f, data, (row * columns + column) * 3, columns) && blank;
    }
  }
  // A canvas that could not be had reads white or clear without an error. What is white all over is drawn on black once more.
  if (blank && opaque && tile(left, top, 1, 1, "#000")[0] < 128) throw lost();
  return { data, height: rows, width: columns };
}

const lost = () =>
  new Trouble("not_supported", "This browser gave the picture back blank: it has not enough memory for it.", "Make the picture smaller, or close other pages and try again.");

// Means of f x f pixels, rounded half up, put where the tile belongs; whether all of them are white.
function divide(pixels, width, height, f, data, start, columns) {
  let white = true;
  const area = f * f;
  for (let row = 0; row < height; row += 1) {
    let to = start + row * columns * 3;
    for (let column = 0; column < width; column += 1) {
      let [red, green, blue] = [0, 0, 0];
      for (let y = 0; y < f; y += 1) {
        let from = ((row * f + y) * width * f + column * f) * 4;
        for (let x = 0; x < f; x += 1, from += 4) {
          red += pixels[from];
          green += pixels[from + 1];
          blue += pixels[from + 2];
        }
      }
      data[to] = Math.floor((2 * red + area) / (2 * area));
      data[to + 1] = Math.floor((2 * green + area) / (2 * area));
      data[to + 2] = Math.floor((2 * blue + area) / (2 * area));
      white &&= data[to] + data[to + 1] + data[to + 2] === 765;
      to += 3;
    }
  }
  return white;
}

// Some browsers change what a page reads from a canvas, so that it cannot be told by it; the answers would change, too.
export function readsTruly() {
  const given = new ImageData(16, 16);
  for (let i = 0; i < given.data.length; i += 1) given.data[i] = i % 4 === 3 ? 255 : (i * 89) % 256;
  const context = new OffscreenCanvas(16, 16).getContext("2d", { willReadFrequently: true });
  context.putImageData(given, 0, 0);
  return context.getImageData(0, 0, 16, 16).data.every((value, i) => value === given.data[i]);
}
