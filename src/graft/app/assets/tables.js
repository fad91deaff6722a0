// What stands around the item: which labels look wrong, what else there is to know, and what others decided.
import { count, make, name, since } from "./draw.js";

const VERBS = { relabel: "relabelled", drop: "dropped", keep: "kept", unsure: "marked as unsure", merge: "merged", undo: "took back" };
const SHOWN = 12;

export function matrix(whole, pairs, chosen, choose) {
  if (!whole.judged) return "";
  const head = make("h2", { id: "h-confusion" }, "Labels that look wrong");
  const box = (...content) => make("section", { id: "confusion", "aria-labelledby": "h-confusion" }, head, content);
  if (!pairs.length) return box(make("p", { class: "quiet" }, "None is left."));
  const weight = new Map();
  for (const [i, j, n] of pairs) for (const at of [i, j]) weight.set(at, (weight.get(at) || 0) + n);
  const shown = [...weight.keys()].sort((a, b) => weight.get(b) - weight.get(a)).slice(0, SHOWN).sort((a, b) => a - b);
  const cells = new Map(pairs.map(([i, j, n]) => [`${i} ${j}`, n]));
  const most = Math.max(...pairs.map((pair) => pair[2]));
  const label = (at) => whole.classes[at];
  const cell = (i, j) => {
    const n = cells.get(`${i} ${j}`);
    if (!n) return make("td", { class: i === j ? "same" : "" });
    const on = chosen.label === label(i) && chosen.predicted === label(j);
    const said = `${n} called ${label(i)} that look like ${label(j)}`;
    return make("td", { vars: { "--share": Math.sqrt(n / most) } },
      make("button", { type: "button", title: said, "aria-label": said, "aria-pressed": String(on), onclick: () => choose(label(i), label(j)) }, n));
  };
  const top = make("tr", {}, make("th", { class: "corner" }, "called \u2193 looks like \u2192"), shown.map((j) => make("th", { scope: "col", title: label(j) }, make("span", {}, name(label(j))))));
  const body = shown.map((i) => make("tr", {}, make("th", { scope: "row", title: label(i) }, make("span", {}, name(label(i)))), shown.map((j) => cell(i, j))));
  const rest = weight.size > shown.length ? ` These are the ${shown.length} classes with most of them, of ${whole.classes.length}.` : "";
  return box(make("p", { class: "quiet" }, `Not decided yet. Choose a cell to see its items.${rest}`),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "h-confusion" },
      make("table", { class: shown.length > 5 ? "dense" : "" }, make("thead", {}, top), make("tbody", {}, body))));
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
      name(d.who || "somebody"), ` ${VERBS[d.action] || d.action}`, d.n > 1 ? ` ${count(d.n)} items` : "", d.to && d.n === 1 ? [" to ", name(d.to)] : "", `, ${since(d.at)}`)));
}
