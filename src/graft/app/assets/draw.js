// Drawing. Whatever comes from the data enters the page as text, never as markup.
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
const key = (text) => make("kbd", { "aria-hidden": "true" }, text);
const percent = (p) => (p >= 0.9995 ? "100 %" : p < 0.001 ? "0 %" : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`);
export const count = (n) => n.toLocaleString("en");
const VERBS = { relabel: "relabelled", drop: "dropped", keep: "kept", unsure: "unsure", merge: "merged", undo: "took back" };

export function told(outcome) {
  if (!outcome) return [];
  if (outcome.merged) return [outcome.action === "drop" ? "Dropped as a copy" : "Kept, its copies dropped"];
  if (outcome.action === "relabel") return ["Relabelled to ", name(outcome.to)];
  return [{ drop: "Dropped", keep: "Kept as it is", unsure: "Unsure" }[outcome.action]];
}

const since = (at) => {
  const then = new Date(at);
  const sameDay = then.toDateString() === new Date().toDateString();
  return then.toLocaleString("en-GB", sameDay ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
};

export function band(view, who) {
  const { outcome } = view;
  if (!outcome) return make("p", { class: "band", id: "band" }, "Not decided yet");
  const by = outcome.who === who ? "you" : outcome.who || "somebody";
  return make("p", { class: `band ${outcome.action}`, id: "band" },
    make("strong", {}, told(outcome)), make("span", {}, " by ", name(by), `, ${since(outcome.at)}`));
}

export function exhibit(view, whole) {
  const gone = (text) => make("p", { class: "gone" }, text);
  if (whole.modality === "text") {
    return make("blockquote", { id: "exhibit", class: "text", dir: "auto", lang: "", tabindex: "0" }, view.text,
      view.cut ? make("span", { class: "quiet" }, " … cut here") : null);
  }
  if (whole.modality === "audio") {
    const player = make("audio", { controls: "" });
    const box = make("div", { id: "exhibit", class: "sound" }, player);
    const fail = () => box.replaceChildren(gone("This recording cannot be played here."));
    // As a whole, for a player can move about only in what it has.
    fetch(media("sound", view.row, whole.run)).then((found) => (found.ok ? found.blob() : Promise.reject(found)))
      .then((sound) => { player.src = URL.createObjectURL(sound); })
      .catch(fail);
    player.addEventListener("emptied", () => URL.revokeObjectURL(player.src));
    player.addEventListener("error", fail);
    return box;
  }
  const image = make("img", { src: media("picture", view.row, whole.run, 960), alt: view.name, draggable: "false" });
  const box = make("div", { id: "exhibit", class: "picture" }, image);
  image.addEventListener("error", () => box.replaceChildren(gone("This picture cannot be read any more.")));
  return box;
}

const player = new Audio();

function hear(row, whole) {
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
  return make("button", { type: "button", class: `small ${whole.modality}`, title, onclick: click, ...given }, content);
}

export function neighbours(view, whole, open) {
  if (!view.neighbours.length) return "";
  const shown = view.neighbours.map((other) =>
    make("li", { class: other.outcome?.action === "drop" ? "dropped" : "" },
      small(other, whole, open),
      make("button", { type: "button", class: `link ${other.label === view.label ? "quiet" : "differs"}`, title: "Look at it", onclick: () => open(other.row) }, name(other.label))));
  return make("section", { id: "neighbours", "aria-labelledby": "h-neighbours" },
    make("h2", { id: "h-neighbours" }, "Nearest to it"), make("ul", { class: `strip ${whole.modality}` }, shown));
}

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
    make("button", { type: "button", class: "plain", onclick: act.merge }, key("m"), `Keep the first, drop ${n === 2 ? "the other" : `the other ${count(n - 1)}`}`),
    make("p", { class: "quiet" }, "Click on another one to keep that."));
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
    return make("button", { type: "button", class: "class", "aria-pressed": String(has(label)), onclick: () => act.relabel(label) },
      key(digit), name(label, { class: "what" }),
      chance === undefined ? make("span", { class: "meter none" }) : make("span", { class: "meter" }, make("i", { vars: { "--p": chance } })),
      make("span", { class: "p" }, chance === undefined ? "" : percent(chance)));
  });
  const head = view.bars.length ? "The model's view" : whole.several ? "Labels" : "Class";
  return make("section", { id: "classes", "aria-labelledby": "h-classes" },
    make("h2", { id: "h-classes" }, head), rows,
    view.bars.length || whole.several ? "" : make("p", { class: "quiet" }, "Its label cannot be judged."),
    make("button", { type: "button", class: "plain", onclick: act.search }, key("/"), "Another class …"));
}

export function actions(act) {
  const button = (text, k, action, kind = "") =>
    make("button", { type: "button", class: kind, onclick: action, "aria-keyshortcuts": k }, key(k), make("span", {}, text));
  return make("div", { id: "actions", role: "toolbar", "aria-label": "Decide" },
    button("Keep", "k", act.keep, "chief"), button("Drop", "x", act.drop), button("Unsure", "?", act.unsure),
    button("Undo", "u", act.undo, "half"), button("Redo", "U", act.redo, "half rare"),
    button("Back", "←", act.previous, "half first"), button("Next", "→", act.next, "half last"));
}

export function matrix(whole, chosen, choose) {
  if (!whole.judged) return "";
  const head = make("h2", { id: "h-confusion" }, "Labels that look wrong");
  const box = (...content) => make("section", { id: "confusion", "aria-labelledby": "h-confusion" }, head, content);
  if (!whole.confusion.length) return box(make("p", { class: "quiet" }, "None does."));
  const weight = new Map();
  for (const [i, j, n] of whole.confusion) for (const at of [i, j]) weight.set(at, (weight.get(at) || 0) + n);
  const shown = [...weight.keys()].sort((a, b) => weight.get(b) - weight.get(a)).slice(0, 12).sort((a, b) => a - b);
  const cells = new Map(whole.confusion.map(([i, j, n]) => [`${i} ${j}`, n]));
  const most = Math.max(...whole.confusion.map((pair) => pair[2]));
  const label = (at) => whole.classes[at].name;
  const cell = (i, j) => {
    const n = cells.get(`${i} ${j}`);
    if (!n) return make("td", { class: i === j ? "same" : "" });
    const on = chosen.label === label(i) && chosen.predicted === label(j);
    const said = `${n} called ${label(i)} that look like ${label(j)}`;
    return make("td", { vars: { "--share": Math.sqrt(n / most) } },
      make("button", { type: "button", title: said, "aria-label": said, "aria-pressed": String(on), onclick: () => choose(label(i), label(j)) }, n));
  };
  const top = make("tr", {}, make("th", { class: "corner" }, "called ↓ looks like →"), shown.map((j) => make("th", { scope: "col", title: label(j) }, make("span", {}, name(label(j))))));
  const body = shown.map((i) => make("tr", {}, make("th", { scope: "row", title: label(i) }, make("span", {}, name(label(i)))), shown.map((j) => cell(i, j))));
  const rest = weight.size > shown.length ? ` These are the ${shown.length} classes with most of them, of ${whole.classes.length}.` : "";
  return box(make("p", { class: "quiet" }, `Choose a cell to see its items.${rest}`),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "h-confusion" },
      make("table", { class: shown.length > 5 ? "many" : "" }, make("thead", {}, top), make("tbody", {}, body))));
}

export function notes(whole) {
  const listed = (title, sentences) => sentences.length ? [make("h2", {}, title), make("ul", {}, sentences.map((s) => make("li", {}, s)))] : [];
  const few = whole.too_few.length ? [`Too few items to judge their labels: ${whole.too_few.slice(0, 10).join(", ")}.`] : [];
  const skipped = whole.skipped.map(([path, reason]) => `${path}: ${reason}`);
  return make("footer", { id: "notes" }, listed("What gives classes away", whole.cues), listed("To know", [...few, ...whole.warnings]),
    skipped.length ? make("details", {}, make("summary", {}, `${count(whole.n_skipped)} could not be read`), make("ul", {}, skipped.map((s) => make("li", {}, s)))) : "",
    make("p", { class: "quiet" }, "Decisions go to ", name(whole.journal), ". Your files stay as they are."));
}

export function others(state, open) {
  if (!state.others.length) return "";
  return make("p", { class: "quiet", id: "others" }, state.others.map((d) =>
    make("button", { type: "button", class: "link", disabled: !d.rows.length, onclick: () => open(d.rows[0]) },
      name(d.who || "somebody"), ` ${VERBS[d.action] || d.action}`, d.to ? [" to ", name(d.to)] : "", `, ${since(d.at)}`)));
}
