// Answers by the name of a file, as a server in a test would: the states of the page, not a model.

import { wav } from "./wav.js";

export const events = new EventTarget();
const asked = new URLSearchParams(location.search);
const modality = asked.get("modality") ?? "image";
const task = asked.get("task") ?? "classification";
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const INSECTS = ["ant", "bee", "beetle", "butterfly", "wasp"];
const LONG = [
  "Schmetterling (Tagpfauenauge)",
  "Schmetterling (Kleiner Fuchs)",
  "Westliche Honigbiene",
  "Gemeine_Wespe-Arbeiterin",
  "Hummel",
];
const MANY = Array.from({ length: 40 }, (_, i) => `question ${i + 1}`);
const classes = asked.has("long") ? LONG : asked.has("many") ? MANY : INSECTS;
const log = (window.asked = []);
window.saved = [];
window.events = events;

export async function open() {
  if (asked.get("open") === "slow") {
    for (let i = 1; i <= 100 && !window.openNow; i += 1) {
      events.dispatchEvent(
        new CustomEvent("progress", { detail: { done: 0.184e6 * i, total: 18.4e6, what: "model.onnx" } }),
      );
      await pause(100);
    }
  }
  if (asked.get("open") === "fails" && !window.openNow) {
    window.openNow = true;
    throw Object.assign(new Error("runtime.wasm came with 4,112,384 bytes, expected 11,840,512."), {
      hint: "Load it again. If that does not help, copy the folder again, and check it with graft verify.",
      details: "runtime.wasm  HTTP 200  4112384 bytes",
    });
  }
  return {
    name: asked.has("long") ? "Schmetterlinge und andere Gartentiere (Sommer, zweite Aufnahme)" : "garden insects",
    modality,
    task,
    classes: task === "regression" ? [] : classes,
    counts: Object.fromEntries(classes.map((label, i) => [label, 124 - 7 * i])),
    n_items: 538,
    accuracy: task === "regression" ? undefined : { value: 0.94, low: 0.91, high: 0.96 },
    why: !asked.has("plain"),
    corrections: !asked.has("plain"),
    accept: modality === "image" ? "image/png,image/jpeg" : modality === "audio" ? "audio/wav,.wav" : "text/plain,.txt",
    stays: !asked.has("sent"),
    samples: asked.has("samples")
      ? modality === "text"
        ? [{ text: "My card still has not come" }, { text: "pin blocked" }]
        : [
            { name: "bee-1.png", address: "sample.png" },
            { name: "unsure-1.png", address: "sample.png" },
          ]
      : undefined,
    input: { seconds: Number(asked.get("seconds") ?? 10) },
  };
}

const scored = (first, p, second) => {
  const rest = classes.filter((label) => label !== first && label !== second);
  const left = 1 - p - (second ? 1 - p - 0.04 : 0);
  return Object.fromEntries([
    [first, p],
    ...(second ? [[second, 1 - p - 0.04]] : []),
    ...rest.map((label) => [label, left / rest.length]),
  ]);
};

function said(name, text) {
  const key = (name || text).toLowerCase();
  if (/bad/.test(key))
    return {
      error: {
        code: "unreadable",
        message: "This file is no picture.",
        hint: "Save it as PNG or JPEG, and give it again.",
      },
    };
  if (task === "regression") return { value: 12.31, low: 10.02, high: 14.96, unknown: /unknown/.test(key) };
  if (task === "multi_label") {
    const scores = {
      [classes[0]]: 0.97,
      [classes[1]]: 0.81,
      [classes[2]]: 0.12,
      [classes[3]]: 0.03,
      [classes[4]]: 0.004,
    };
    const labels = /nothing/.test(key) ? [] : classes.slice(0, 2);
    return {
      label: labels[0] ?? "",
      confidence: 0.97,
      unknown: /unknown/.test(key),
      unknown_score: 0.1,
      scores,
      set: labels,
      labels,
    };
  }
  if (/certain/.test(key))
    return { label: classes[0], confidence: 0.999, unknown: false, unknown_score: 0.1, scores: scored(classes[0], 0.999), set: [classes[0]] };
  if (/unknown|hello/.test(key))
    return {
      label: classes[2],
      confidence: 0.41,
      unknown: true,
      unknown_score: 0.99,
      scores: scored(classes[2], 0.41),
      set: [],
    };
  if (/unsure|fee/.test(key))
    return {
      label: classes[4],
      confidence: 0.49,
      unknown: false,
      unknown_score: 0.4,
      scores: scored(classes[4], 0.49, classes[1]),
      set: [classes[4], classes[1]],
    };
  if (/likely/.test(key))
    return {
      label: classes[0],
      confidence: 0.84,
      unknown: false,
      unknown_score: 0.2,
      scores: scored(classes[0], 0.84, classes[2]),
      set: [classes[0], classes[2]],
    };
  const named = classes.find((label) => key.includes(label)) ?? classes[1];
  return {
    label: named,
    confidence: 0.97,
    unknown: false,
    unknown_score: 0.1,
    scores: scored(named, 0.97),
    set: [named],
  };
}

function explained(item, answer) {
  const base = { label: answer.label ?? null, confidence: answer.confidence ?? null };
  const scale = task === "regression" ? 3 : 0.46;
  if (modality === "text") {
    const words = [...item.matchAll(/[\p{L}\p{N}]+/gu)].map((found, i) => ({
      start: [...item.slice(0, found.index)].length,
      end: [...item.slice(0, found.index + found[0].length)].length,
      effect: scale * Math.cos(i * 1.3) * (i % 3 ? 0.4 : 1),
    }));
    return { ...base, kind: "words", words };
  }
  if (modality === "audio")
    return {
      ...base,
      kind: "times",
      spans: Array.from({ length: 8 }, (_, i) => ({
        start: i * 0.3,
        end: i * 0.3 + 0.3,
        effect: i === 3 ? 0.57 : i === 4 ? 0.4 : 0.02,
      })),
    };
  const effects = Array.from({ length: 7 }, (_, y) =>
    Array.from(
      { length: 7 },
      (_, x) => scale * Math.exp(-((x - 3) ** 2 + (y - 2) ** 2) / 3) - (y === 0 && x > 4 ? 0.05 : 0),
    ),
  );
  return {
    ...base,
    kind: "squares",
    rows: 7,
    columns: 7,
    effects,
    box: asked.has("cut") ? [0.125, 0, 0.875, 1] : [0, 0, 1, 1],
  };
}

let now = 0;
export async function answer(item, { why = false, signal } = {}) {
  const name = typeof item === "string" ? "" : (item.name ?? "");
  const mine = {
    name,
    why,
    kind: typeof item === "string" ? "text" : item instanceof Blob ? item.type : "samples",
    size: item.size ?? item.length ?? item.samples?.length,
    rate: item.rate,
  };
  if (modality === "image" && item instanceof Blob && asked.has("sizes")) {
    const bitmap = await createImageBitmap(item);
    const canvas = Object.assign(document.createElement("canvas"), { width: 2, height: 1 });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(bitmap, 0, 0, 2, 1);
    mine.pixels = [...pen.getImageData(0, 0, 2, 1).data];
  }
  if (item.samples) mine.wav = (await wav(item).arrayBuffer()).byteLength;
  log.push(mine);
  now += 1;
  window.most = Math.max(window.most ?? 0, now);
  try {
    const ms = /slow/.test(name) ? 1600 : Number(asked.get("ms") ?? 5);
    for (let t = 0; t < ms; t += 20) {
      if (signal?.aborted) throw new DOMException("Aborted", "AbortError");
      if (why && t % 100 === 0)
        events.dispatchEvent(
          new CustomEvent("progress", { detail: { done: Math.round((49 * t) / ms), total: 49, what: "why" } }),
        );
      await pause(20);
    }
    if (window.gone)
      throw Object.assign(new Error("The model does not answer."), {
        code: "offline",
        hint: "Start it again with the same command; this page goes on then.",
      });
    const found = said(name, typeof item === "string" ? item : name);
    const near =
      modality === "text"
        ? { text: "I have not received my card yet, when will it come?" }
        : modality === "image"
          ? { thumbnail: "sample.png" }
          : { name: "hall-0007.wav" };
    if (!found.error && !asked.has("plain"))
      found.nearest = ["bee", "bee", "wasp", "ant"].map((label, i) => ({
        label: task === "regression" ? "11.5" : classes[INSECTS.indexOf(label)],
        similarity: 0.9 - i / 10,
        ...near,
      }));
    if (why) found.why = explained(item, found);
    return found;
  } finally {
    now -= 1;
  }
}

export const corrections = {
  async save(item, answer, label) {
    await pause(30);
    if (window.full) throw Object.assign(new Error("The disk is full."), { hint: "Make room." });
    window.saved.push({
      label,
      said: answer.label ?? answer.value,
      size: item.size ?? item.length ?? item.samples.length,
      type: item.type,
    });
    return String(window.saved.length);
  },
  async undo(id) {
    window.saved[Number(id) - 1] = null;
  },
};
