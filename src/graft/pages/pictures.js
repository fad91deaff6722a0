// Pictures in their shape. What is shown is made small here, for the eye only: the model always gets the bytes as they came.

import { make, put } from "./dom.js";
import { wav } from "./wav.js";

const SMALL = 360; // pixels, twice what a tile is wide
let last = Promise.resolve();

export const fit = (src, w, h, more = [], alt = "") =>
  make(
    "div",
    { class: "fit", "--w": w, "--h": h },
    make("img", { src, alt, draggable: "false", decoding: "async" }),
    more,
  );

// {url, w, h} of a small picture, or null where this browser cannot show it; one is made at a time.
export function thumbnail(one) {
  one.small ??= last = last.then(() => reduced(one.content).catch(() => null));
  return one.small;
}

async function reduced(blob) {
  const whole = await createImageBitmap(blob, { imageOrientation: "from-image" });
  const [w, h] = [whole.width, whole.height];
  const by = Math.min(1, SMALL / Math.max(w, h));
  const canvas = make("canvas");
  [canvas.width, canvas.height] = [Math.max(1, Math.round(w * by)), Math.max(1, Math.round(h * by))];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  return small && { url: URL.createObjectURL(small), w, h };
}

export async function forget(one) {
  if (one.url) URL.revokeObjectURL(one.url);
  one.url = null;
  const small = await one.small;
  if (small) URL.revokeObjectURL(small.url);
  one.small = null;
}

// The address of an item's own bytes, as long as it is looked at.
let open = null;
export function address(one) {
  if (open && open !== one && open.url) {
    URL.revokeObjectURL(open.url);
    open.url = null;
  }
  open = one;
  one.url ??= URL.createObjectURL(one.kind === "samples" ? wav(one.content) : one.content);
  return one.url;
}

// A square frame that fills itself once the small picture is there.
export function tile(one) {
  const frame = make("span", { class: "frame tile" });
  thumbnail(one).then((small) => {
    if (small) put(frame, fit(small.url, small.w, small.h));
    else if (!frame.classList.contains("gone")) {
      frame.classList.add("gone");
      frame.textContent = "This browser cannot show it.";
    }
  });
  return frame;
}

export const tileOf = (src) => {
  const frame = make("span", { class: "frame tile" });
  const picture = make("img", { src, alt: "", draggable: "false" });
  const box = make("div", { class: "fit" }, picture);
  picture.addEventListener("load", () => {
    box.style.setProperty("--w", picture.naturalWidth);
    box.style.setProperty("--h", picture.naturalHeight);
  });
  frame.append(box);
  return frame;
};

const HEIC = ["heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"];

// Why a file is not even asked about, in three parts; null: it is asked about. A phone converts HEIC where it is chosen.
export async function refusal(one, modality) {
  if (one.kind !== "file") return null;
  if (one.content.size === 0)
    return { code: "empty", message: "This file is empty.", hint: "Choose another, or copy it again." };
  if (modality !== "image") return null;
  const head = new Uint8Array(await one.content.slice(0, 12).arrayBuffer());
  const word = (from, to) => String.fromCharCode(...head.slice(from, to));
  if (word(4, 8) !== "ftyp" || !HEIC.includes(word(8, 12))) return null;
  return {
    code: "unreadable",
    message: "This photo is HEIC, which is not read here.",
    hint: "Choose it on the phone itself, which converts it, or save it as JPEG.",
  };
}
