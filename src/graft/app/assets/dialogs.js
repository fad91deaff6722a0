// What opens over the page: a class by its name, a picture looked at closely, the keys.
import { media } from "./link.js";
import { key, make, name } from "./draw.js";

function shown(id, label, ...content) {
  document.getElementById(id)?.remove();
  const box = make("dialog", { id, "aria-label": label }, content);
  box.addEventListener("click", (event) => event.target === box && box.close());
  box.addEventListener("close", () => box.remove());
  const from = document.activeElement; // the browser leads back to it, which is for those who came by keys
  if (from && !from.matches(":focus-visible")) from.blur();
  document.getElementById("graft").append(box);
  box.showModal();
  return box;
}

const closing = (box) => make("button", { type: "button", class: "button", onclick: () => box().close() }, "Close");

// ---- a class, of those that there are or a new one

export function search(all, take) {
  let found = [];
  let at = 0;
  let box = null;
  const input = make("input", { type: "text", class: "input", "aria-label": "Class", placeholder: "Type a class", maxlength: "200", autocomplete: "off", spellcheck: "false", role: "combobox", "aria-controls": "found", "aria-expanded": "true" });
  const list = make("ul", { id: "found", role: "listbox", "aria-label": "Classes" });
  const choose = (choice) => { box.close(); if (choice) take(choice.label); };
  const update = () => {
    const typed = input.value.trim().toLowerCase();
    const rank = (label) => { const low = label.toLowerCase(); return low === typed ? 0 : low.startsWith(typed) ? 1 : low.includes(typed) ? 2 : 3; };
    found = all.filter((label) => rank(label) < 3).sort((a, b) => rank(a) - rank(b)).slice(0, 8).map((label) => ({ label, made: false }));
    if (typed && !all.includes(input.value.trim())) found.push({ label: input.value.trim(), made: true });
    at = Math.min(at, Math.max(0, found.length - 1));
    list.replaceChildren(...found.map((choice, number) => make("li", { role: "option", id: `found-${number}`, "aria-selected": String(number === at), onclick: () => choose(choice) }, choice.made ? "New class " : "", name(choice.label))));
    input.setAttribute("aria-activedescendant", found.length ? `found-${at}` : "");
  };
  input.addEventListener("input", () => { at = 0; update(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % Math.max(1, found.length);
      update();
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      choose(found[at]);
    }
    event.stopPropagation();
  });
  update();
  box = shown("search", "Choose a class", input, list);
  input.focus();
}

// ---- a picture, as large as it is

const LARGEST = 8;

export function zoom(view, whole) {
  const image = make("img", { src: media("picture", view.row, whole.run, 2560), alt: view.name, draggable: "false" });
  const pane = make("div", { class: "pane fitted", tabindex: "0", role: "region", "aria-label": view.name }, image);
  const said = make("output", { class: "number quiet" });
  let scale = null; // null: all of it
  const all = () => Math.min(pane.clientWidth / (image.naturalWidth || 1), pane.clientHeight / (image.naturalHeight || 1));
  const set = (wanted, at = null) => {
    const rect = image.getBoundingClientRect();
    const part = at ? [(at.clientX - rect.left) / rect.width, (at.clientY - rect.top) / rect.height] : [0.5, 0.5];
    scale = wanted === null ? null : Math.min(LARGEST, Math.max(0.05, wanted));
    pane.classList.toggle("fitted", scale === null);
    image.style.setProperty("width", scale === null ? "" : `${Math.round(image.naturalWidth * scale)}px`);
    if (scale !== null) {
      pane.scrollLeft = part[0] * image.offsetWidth - pane.clientWidth / 2;
      pane.scrollTop = part[1] * image.offsetHeight - pane.clientHeight / 2;
    }
    said.value = `${Math.round(100 * (scale ?? all()))} %`;
  };
  const by = (factor) => set((scale ?? all()) * factor);
  image.addEventListener("load", () => set(null));
  image.addEventListener("error", () => pane.replaceChildren(make("p", { class: "lost" }, "This picture cannot be read any more.")));
  image.addEventListener("click", (event) => set(scale === null ? Math.max(1, 2 * all()) : null, event));
  const button = (text, label, run, k) => make("button", { type: "button", class: "button square", "aria-label": label, "aria-keyshortcuts": k, onclick: run }, text);
  const box = shown("zoom", `Zoom: ${view.name}`, make("div", { class: "buttons" }, button("\u2212", "Smaller", () => by(1 / 1.5), "-"), button("+", "Larger", () => by(1.5), "+"),
    make("button", { type: "button", class: "button", onclick: () => set(null), "aria-keyshortcuts": "0" }, "Whole"), said, make("span", { class: "rest" }, name(view.name)), closing(() => box)), pane);
  box.addEventListener("keydown", (event) => {
    const run = { "+": () => by(1.5), "=": () => by(1.5), "-": () => by(1 / 1.5), 0: () => set(null), z: () => box.close() }[event.key];
    if (run) { event.preventDefault(); run(); }
  });
  pane.focus();
}

// ---- the keys

const KEYS = [
  ["Enter", "what is suggested; of an item that is decided, the next one"],
  ["\u2192 \u2190", "the next item, the one before"],
  ["1 to 9, 0", "relabel to the class that bears the digit"],
  ["/", "type the name of a class, or of a new one"],
  ["k", "keep: the item is right as it is"],
  ["x", "drop"],
  ["?", "unsure: somebody else should look"],
  ["m", "keep the first of the copies, drop the others"],
  ["u, Shift u", "take back what you decided last, make it again"],
  ["z", "zoom into the picture"],
  ["w", "why: what of the item speaks for the answer"],
  ["space", "play and pause a recording; in the grid, choose an item"],
  ["g", "grid, and back to one by one"],
  ["arrows", "in the grid, go about; with Shift, choose on the way"],
  ["a", "in the grid, accept what is suggested for the chosen ones"],
  ["Ctrl a, Esc", "in the grid, choose all that are shown, or none"],
];

export function keys() {
  const box = shown("keys", "Keys", make("h2", {}, "Keys"), make("dl", {}, KEYS.map(([k, what]) => make("div", {}, make("dt", {}, key(k)), make("dd", {}, what)))), make("div", { class: "buttons" }, closing(() => box)));
}
