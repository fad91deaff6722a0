// Drawing one item and what can be done about it. Whatever comes from the data enters the page as text, never as markup.
import { media } from "./link.js";

// What could reorder a line or cannot be shown; line breaks and tabs stay.
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;
const clean = (text) => String(text).replace(UNSAFE, "\ufffd");

export function make(tag, given = {}, ...content) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "vars") for (const [what, share] of Object.entries(value)) node.style.setProperty(what, share);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && typeof value === "boolean") node[key] = value;
    else node.setAttribute(key, clean(value));
  }
  node.append(...content.flat(3).filter((part) => part !== null && part !== false && part !== "")
    .map((part) => (part instanceof Node ? part : clean(part))));
  return node;
}

// A name, which may break where programs join words, apart from the direction of the text around it.
export const name = (text, given = {}) =>
  make("bdi", given, text === "" ? "no label" : String(text).split(/(?<=[_\-./])(?=\w)/).flatMap((part, i) => (i ? [make("wbr"), part] : [part])));
export const key = (text) => make("kbd", { "aria-hidden": "true" }, text);
export const hundred = (p) => (p >= 0.995 ? "over 99" : p < 0.01 ? "under 1" : String(Math.round(100 * p)));
export const count = (n) => n.toLocaleString("en");

function told(outcome) {
  if (!outcome) return [];
  if (outcome.merged) return [outcome.action === "drop" ? "Dropped as a copy" : "Kept, its copies dropped"];
  if (outcome.action === "relabel") return ["Relabelled to ", name(outcome.to)];
  return [{ drop: "Dropped", keep: "Kept as it is", unsure: "Unsure" }[outcome.action]];
}

// The same in a word or two.
export const briefly = (outcome) =>
  outcome.action === "relabel" ? ["now ", name(outcome.to)] : [{ drop: "dropped", keep: "kept", unsure: "unsure" }[outcome.action]];

export const since = (at) => {
  const then = new Date(at);
  const sameDay = then.toDateString() === new Date().toDateString();
  return then.toLocaleString("en-GB", sameDay ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
};

export function band(view, who) {
  const { outcome } = view;
  if (!outcome) return make("p", { class: "band", id: "band" }, "Not decided yet");
  const by = outcome.who === who ? "you" : outcome.who || "somebody";
  return make("p", { class: `band is-${outcome.action}`, id: "band" },
    make("strong", {}, told(outcome)), make("span", {}, " by ", name(by), `, ${since(outcome.at)}`));
}

// A frame that no picture leaves. Its inside has the picture's shape, as far as it is known, and learns it else.
export function framed(view, whole, side, given = {}) {
  const shape = (w, h) => { frame.style.setProperty("--w", w); frame.style.setProperty("--h", h); };
  const fit = make("div", { class: "fit" });
  const frame = make("div", { class: `frame ${given.class ?? ""}` }, fit);
  if (view.size) shape(...view.size);
  const image = make("img", { src: media("picture", view.row, whole.run, side), alt: given.alt ?? "", draggable: "false", loading: given.lazy ? "lazy" : null });
  image.addEventListener("load", () => {
    const { naturalWidth: w, naturalHeight: h } = image;
    const [knownW, knownH] = view.size ?? [w, h];
    const same = view.size && Math.abs(w * knownH - h * knownW) <= 0.02 * w * knownH + knownH + knownW;
    if (!same) shape(w, h);
  });
  fit.append(image);
  image.addEventListener("error", () => { frame.classList.add("gone"); frame.replaceChildren(make("p", {}, "This picture cannot be read any more.")); });
  return frame;
}

export function exhibit(view, whole, look) {
  if (whole.modality === "text") {
    return make("blockquote", { id: "exhibit", class: "text", dir: "auto", lang: "", tabindex: "0" }, view.text,
      view.cut ? make("span", { class: "quiet" }, " ... cut here") : null);
  }
  if (whole.modality === "audio") {
    const player = make("audio", { controls: "" });
    const box = make("div", { id: "exhibit", class: "sound" }, player);
    const fail = () => box.replaceChildren(make("p", { class: "lost" }, "This recording cannot be played here."));
    // As a whole, for a player can move about only in what it has.
    fetch(media("sound", view.row, whole.run)).then((found) => (found.ok ? found.blob() : Promise.reject(found)))
      .then((sound) => { player.src = URL.createObjectURL(sound); })
      .catch(fail);
    player.addEventListener("emptied", () => URL.revokeObjectURL(player.src));
    player.addEventListener("error", fail);
    return box;
  }
  const frame = framed(view, whole, 960, { class: "large", alt: view.name });
  const closer = make("button", { type: "button", class: "button look", onclick: look, "aria-keyshortcuts": "z" }, key("z"), "Zoom");
  frame.firstChild.addEventListener("click", look);
  frame.querySelector("img").addEventListener("error", () => closer.remove());
  return make("div", { id: "exhibit", class: "picture" }, frame, closer);
}

const player = new Audio();

export function hear(row, whole) {
  document.querySelectorAll("#graft audio").forEach((other) => other.pause());
  player.src = media("sound", row, whole.run);
  player.play().catch(() => {});
}

export const hush = () => player.pause();

function small(other, whole, open, given = {}) {
  const content =
    whole.modality === "image"
      ? make("img", { src: media("picture", other.row, whole.run, 160), alt: "", loading: "lazy" })
      : make("q", { dir: "auto" }, whole.modality === "audio" ? "\u25b6\ufe0e " : "", other.name);
  const title = `${other.name}: ${other.label}`;
  const click = () => (whole.modality === "audio" ? hear(other.row, whole) : open(other.row));
  return make("button", { type: "button", class: `small ${whole.modality}`, title, "aria-label": title, onclick: click, ...given }, content);
}

export function neighbours(view, whole, open) {
  if (!view.neighbours.length) return "";
  const shown = view.neighbours.map((other) =>
    make("li", { class: other.outcome?.action === "drop" ? "dropped" : "" },
      small(other, whole, open),
      make("button", { type: "button", class: `link ${other.label === view.label ? "quiet" : "differs"}`, title: "Look at it", onclick: () => open(other.row) },
        other.label === view.label ? "" : make("span", { "aria-label": "not " }, "\u2260 "), name(other.label))));
  return make("section", { id: "neighbours", "aria-labelledby": "h-neighbours" },
    make("h2", { id: "h-neighbours" }, "Nearest to it"), make("ul", { class: `strip ${whole.modality}` }, shown));
}

export const others = (n) => (n === 2 ? "the other" : `the other ${count(n - 1)}`);

export function copies(view, whole, act) {
  if (!view.copies.length) return "";
  const n = view.copy_rows.length;
  const shown = view.copies.map((other, place) =>
    make("li", { class: other.outcome?.action === "drop" ? "dropped" : "" },
      small(other, whole, act.choose, { "aria-pressed": String(place === 0) }),
      make("button", { type: "button", class: "link quiet", title: "Keep this one", onclick: () => act.choose(other.row) }, place === 0 ? make("b", {}, "keep ") : "", name(other.label),
        other.at_split ? make("span", { class: "quiet" }, ` ${other.at_split}`) : "",
        other.row === view.row ? make("span", { class: "quiet" }, " this one") : "")));
  const rest = n > shown.length ? make("p", { class: "quiet" }, `and ${count(n - shown.length)} more`) : "";
  return make("section", { id: "copies", "aria-labelledby": "h-copies" },
    make("h2", { id: "h-copies" }, `Copies: ${count(n)}`),
    make("ul", { class: `strip ${whole.modality}` }, shown), rest,
    make("div", { class: "buttons" }, make("button", { type: "button", class: "button", onclick: act.merge, "aria-keyshortcuts": "m" }, key("m"), `Keep the first, drop ${others(n)}`),
      make("span", { class: "quiet" }, "Click on another one to keep that.")));
}

// Classes that are digits themselves have their own; the others are counted.
export const digitOf = (listed, place) =>
  listed.every((label) => /^[0-9]$/.test(label)) ? listed[place] : place < 10 ? String((place + 1) % 10) : "";

export function classes(view, whole, listed, act) {
  const p = new Map(view.bars);
  const has = (label) => (whole.several ? view.label.split("|").includes(label) : view.label === label);
  const rows = listed.map((label, place) => {
    const digit = digitOf(listed, place);
    const chance = p.get(label);
    return make("button", { type: "button", class: "class", "aria-pressed": String(has(label)), onclick: () => act.relabel(label), "aria-keyshortcuts": digit || null },
      key(digit), name(label, { class: "what" }),
      chance === undefined ? make("span", { class: "meter none" }) : make("span", { class: "meter" }, make("i", { vars: { "--p": chance } })),
      make("span", { class: "p" }, chance === undefined ? "" : hundred(chance)));
  });
  const head = view.bars.length ? "How likely, in 100" : whole.several ? "Labels" : "Class";
  return make("section", { id: "classes", "aria-labelledby": "h-classes" },
    make("h2", { id: "h-classes" }, head), rows,
    view.bars.length || whole.several ? "" : make("p", { class: "quiet" }, "Its label cannot be judged."),
    make("button", { type: "button", class: "button plain flush", onclick: act.search, "aria-keyshortcuts": "/" }, key("/"), "Another class ..."));
}

// What is proposed to do about an item, and what Enter does: of one that is decided, to go on.
export function proposed(view) {
  if (view.outcome) return { action: "next", to: null, text: ["Next"] };
  const { action, to, p } = view.suggestion;
  const sure = p === null ? "" : make("span", { class: "sure" }, `${hundred(p)} in 100`);
  const text = { relabel: ["\u2192 ", name(to ?? ""), sure], merge: [`Keep the first, drop ${others(view.copy_rows.length)}`], drop: ["Drop"], keep: ["Keep"] };
  return { action, to, text: text[action] };
}

export function actions(view, act) {
  const button = (text, k, action, kind, label = null) =>
    make("button", { type: "button", class: `button ${kind}`, onclick: action, "aria-keyshortcuts": k, "aria-label": label }, key(k === "ArrowLeft" ? "\u2190" : k === "ArrowRight" ? "\u2192" : k), make("span", {}, text));
  const first = proposed(view);
  const also = (which, made) => (first.action === which ? "" : made);
  return [
    make("button", { type: "button", class: "button primary", id: "suggested", onclick: act.suggested, "aria-keyshortcuts": "Enter" }, make("span", {}, first.text), key("Enter")),
    also("keep", button("Keep", "k", act.keep, "main")), button("Relabel", "/", act.search, "finger main"),
    also("drop", button("Drop", "x", act.drop, "main")), button("Unsure", "?", act.unsure, "main"),
    button("Back", "ArrowLeft", act.previous, "way back", "Back"),
    button("Undo", "u", act.undo, "half"), button("Redo", "U", act.redo, "half rare"),
    button("Next", "ArrowRight", act.next, "way next", "Next"),
  ];
}
