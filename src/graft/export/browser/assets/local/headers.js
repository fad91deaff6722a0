// What the first bytes of a picture say: its kind, its size, which way up it is. Browsers differ in how they heed turn tags
// and colour profiles, so both are cut out before a browser sees the file, and the turn is made here.

const TURN = 0x0112;
const KEPT_CHUNKS = new Set(["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]);
const DROPPED_PARTS = new Set(["ICCP", "EXIF", "XMP "]);

const ascii = (bytes, at, n) => String.fromCharCode(...bytes.subarray(at, at + n));
const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function sniff(bytes) {
  const head = ascii(bytes, 0, 16);
  if (head.startsWith("\xff\xd8\xff")) return "jpeg";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) return "gif";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "webp";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WAVE") return "wav";
  if (head.startsWith("BM")) return "bmp";
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return "tiff";
  if (/^....ftypavi/s.test(head)) return "avif";
  if (/^....ftyp(hei|hev|mif1|msf1)/s.test(head)) return "heic";
  if (/^....ftyp/s.test(head)) return "mp4";
  if (head.startsWith("fLaC")) return "flac";
  if (head.startsWith("OggS")) return "ogg";
  if (head.startsWith("ID3") || (bytes[0] === 0xff && (bytes[1] & 0xe6) > 0xe0)) return "mp3";
  if (head.startsWith("\x1aE\xdf\xa3")) return "webm";
  if (head.startsWith("%PDF")) return "pdf";
  if (head.startsWith("PK\x03\x04")) return "zip";
  if (/^\s*<(!doctype|html)/i.test(head)) return "html";
  return /^P[1-6]\s/.test(head) ? "pnm" : "";
}

// The file as a browser is to decode it, {bytes, turn, width, height}; sizes are 0 where the header does not tell.
export function plain(bytes, kind) {
  const whole = { bytes, turn: 1, width: 0, height: 0 };
  try {
    if (kind === "jpeg") return { ...whole, ...plainJpeg(bytes) };
    if (kind === "png") return { ...whole, ...plainPng(bytes) };
    if (kind === "webp") return { ...whole, ...plainWebp(bytes) };
    const at = view(bytes);
    if (kind === "gif") return { ...whole, width: at.getUint16(6, true), height: at.getUint16(8, true) };
    if (kind === "bmp") return { ...whole, width: Math.abs(at.getInt32(18, true)), height: Math.abs(at.getInt32(22, true)) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it is cut short: the decoder says so
  }
  return whole;
}

function plainJpeg(bytes) {
  const kept = [bytes.subarray(0, 2)];
  let [turn, width, height, at] = [1, 0, 0, 2];
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const code = bytes[at + 1];
    if (code === 0xff) {
      at += 1; // fill bytes may stand before any marker
      continue;
    }
    if (code === 0xda) break;
    const end = at + 2 + (bytes[at + 2] << 8) + bytes[at + 3];
    if (code === 0xe1 && turn === 1 && ascii(bytes, at + 4, 6) === "Exif\0\0") turn = turnOf(bytes.subarray(at + 10, end));
    if (code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code)) {
      height = (bytes[at + 5] << 8) + bytes[at + 6];
      width = (bytes[at + 7] << 8) + bytes[at + 8];
    }
    if (code !== 0xe1 && code !== 0xe2) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return { bytes: joined([...kept, bytes.subarray(at)]), turn, width, height };
}

function plainPng(bytes) {
  const kept = [bytes.subarray(0, 8)];
  let [turn, at] = [1, 8];
  const numbers = view(bytes);
  while (at + 8 <= bytes.length) {
    const length = numbers.getUint32(at);
    const kind = ascii(bytes, at + 4, 4);
    const end = at + 12 + length;
    if (kind === "eXIf") turn = turnOf(bytes.subarray(at + 8, end - 4));
    if (KEPT_CHUNKS.has(kind) || !/^[A-Za-z]{4}$/.test(kind)) kept.push(bytes.subarray(at, end));
    if (kind === "IEND") break;
    at = end;
  }
  return { bytes: joined(kept), turn, width: numbers.getUint32(16), height: numbers.getUint32(20) };
}

function plainWebp(bytes) {
  const kept = [bytes.slice(0, 12)];
  let [turn, width, height, at] = [1, 0, 0, 12];
  const numbers = view(bytes);
  while (at + 8 <= bytes.length) {
    const name = ascii(bytes, at, 4);
    const size = numbers.getUint32(at + 4, true);
    const end = at + 8 + size + (size % 2);
    let part = bytes.subarray(at, end);
    if (name === "EXIF") turn = turnOf(bytes.subarray(ascii(bytes, at + 8, 6) === "Exif\0\0" ? at + 14 : at + 8, end));
    if (name === "VP8X") {
      part = part.slice();
      part[8] &= ~0x2c; // no profile, no Exif, no XMP follows any more
      width = 1 + (numbers.getUint32(at + 12, true) & 0xffffff);
      height = 1 + (numbers.getUint32(at + 14, true) >>> 8);
    } else if (name === "VP8 " && !width) {
      width = numbers.getUint16(at + 14, true) & 0x3fff;
      height = numbers.getUint16(at + 16, true) & 0x3fff;
    } else if (name === "VP8L" && !width) {
      const bits = numbers.getUint32(at + 9, true);
      width = 1 + (bits & 0x3fff);
      height = 1 + ((bits >>> 14) & 0x3fff);
    }
    if (!DROPPED_PARTS.has(name)) kept.push(part);
    at = end;
  }
  const whole = joined(kept);
  view(whole).setUint32(4, view(bytes).getUint32(4, true) - (bytes.length - whole.length), true);
  return { bytes: whole, turn, width, height };
}

function turnOf(block) {
  const order = ascii(block, 0, 4);
  if (order !== "II*\0" && order !== "MM\0*") return 1;
  const little = order === "II*\0";
  const numbers = view(block);
  try {
    const start = numbers.getUint32(4, little);
    const count = numbers.getUint16(start, little);
    for (let entry = start + 2; entry < start + 2 + 12 * count; entry += 12) {
      if (numbers.getUint16(entry, little) !== TURN) continue;
      const value = numbers.getUint16(entry + 8, little);
      return numbers.getUint16(entry + 2, little) === 3 && value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the directory points outside the block
  }
  return 1;
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
