// Many items at once: choosing some of them, and what is chosen is decided together.
import { ask } from "./link.js";
import { briefly, count, framed, hear, hundred, make, name } from "./draw.js";

const AT_ONCE = 60;

export class Grid {
  constructor(whole, hooks) {
    this.whole = whole;
    this.hooks = hooks; // open(row), changed()
    this.rows = [];
    this.chosen = new Set();
    this.tiles = new Map();
    this.anchor = null; // from where Shift reaches
    this.list = make("ul", { class: `cells ${whole.modality}`, "aria-label": "Items", onkeydown: (event) => this.key(event) });
    this.more = make("p", { class: "buttons" });
    this.box = make("div", { id: "grid" }, this.list, this.more);
  }

  async show(rows, row = null) {
    this.rows = rows;
    this.chosen.clear();
    this.anchor = null;
    this.tiles.clear();
    this.list.replaceChildren();
    const until = rows.indexOf(row) + 1;
    do await this.on(); while (this.list.children.length < Math.min(until, rows.length));
    this.reach(this.rows.includes(row) ? row : this.rows[0], false);
    this.hooks.changed();
  }

  // The next ones of those that are wanted.
  async on() {
    const from = this.list.children.length;
    const next = this.rows.slice(from, from + AT_ONCE);
    const items = next.length ? (await ask("tiles", { rows: next.join(",") })).items : [];
    for (const item of items) {
      this.tiles.set(item.row, item);
      this.list.append(this.tile(item));
    }
    const left = this.rows.length - from - items.length;
    this.more.replaceChildren(...(left ? [make("button", { type: "button", class: "button", onclick: () => this.hooks.turn(() => this.on()) }, `Show ${count(Math.min(left, AT_ONCE))} more`), make("span", { class: "quiet" }, `of ${count(left)} left`)] : []));
  }

  // What was decided meanwhile, by whomever; the items stay where they are.
  async refresh() {
    const shown = [...this.tiles.keys()];
    const focus = document.activeElement?.closest?.("#grid li")?.dataset.row;
    for (let at = 0; at < shown.length; at += AT_ONCE) {
      for (const item of (await ask("tiles", { rows: shown.slice(at, at + AT_ONCE).join(",") })).items) {
        if (JSON.stringify(item) === JSON.stringify(this.tiles.get(item.row))) continue;
        this.tiles.set(item.row, item);
        this.cell(item.row).replaceWith(this.tile(item));
      }
    }
    if (focus !== undefined) this.reach(Number(focus));
    this.mark();
  }

  tile(item) {
    const { suggestion, outcome } = item;
    const now = outcome ? briefly(outcome) : { relabel: ["\u2192 ", name(suggestion.to ?? "")], drop: "drop?", merge: "a copy", keep: "" }[suggestion.action];
    const sure = outcome || suggestion.p === null ? "" : hundred(suggestion.p);
    const said = `${item.name}, called ${item.label}` + (outcome ? `, ${outcome.action}` : suggestion.action === "relabel" ? `, suggested ${suggestion.to}, ${sure} in 100` : "");
    const box = make("input", { type: "checkbox", class: "hidden", tabindex: "-1", "aria-label": said });
    const open = make("button", { type: "button", class: "link quiet", tabindex: "-1", title: "Look at it alone", onclick: (event) => { event.stopPropagation(); this.hooks.open(item.row); } }, name(item.name));
    const play = (event) => { event.stopPropagation(); hear(item.row, this.whole); };
    const what = {
      image: () => framed(item, this.whole, 320, { class: "tile", lazy: true }),
      text: () => make("div", { class: "frame tile" }, make("p", { dir: "auto" }, item.name)),
      audio: () => make("div", { class: "frame tile" }, make("button", { type: "button", class: "button", tabindex: "-1", "aria-label": `Play ${item.name}`, onclick: play }, "\u25b6\ufe0e Play")),
    }[this.whole.modality]();
    return make("li", { "data-row": item.row, class: outcome ? `done is-${outcome.action}` : "", onclick: (event) => this.choose(item.row, event.shiftKey), onmousedown: (event) => event.shiftKey && event.preventDefault() },
      box, make("span", { class: "tick", "aria-hidden": "true" }, "\u2713"), what,
      make("p", { class: "says" }, make("span", {}, outcome ? name(item.given) : name(item.label), " ", make("b", {}, now)), make("span", { class: "number" }, sure)),
      this.whole.modality === "text" ? make("button", { type: "button", class: "link quiet", tabindex: "-1", onclick: (event) => { event.stopPropagation(); this.hooks.open(item.row); } }, "whole text") : open);
  }

  cell = (row) => this.list.querySelector(`[data-row="${row}"]`);
  shown = () => [...this.tiles.keys()];

  choose(row, reaching) {
    const shown = this.shown();
    if (reaching && this.anchor !== null && this.anchor !== row) {
      const [from, to] = [shown.indexOf(this.anchor), shown.indexOf(row)].sort((a, b) => a - b);
      for (const between of shown.slice(from, to + 1)) this.chosen.add(between);
    } else if (!this.chosen.delete(row)) this.chosen.add(row);
    if (!reaching || this.anchor === null) this.anchor = row;
    this.reach(row);
    this.mark();
  }

  chooseAll(all) {
    this.chosen = new Set(all ? this.shown() : []);
    this.anchor = null;
    this.mark();
  }

  mark() {
    for (const cell of this.list.children) {
      const on = this.chosen.has(Number(cell.dataset.row));
      cell.classList.toggle("chosen", on);
      cell.querySelector("input").checked = on;
    }
    this.hooks.changed();
  }

  // One of the items can be come to by Tab; the arrows lead to the others.
  reach(row, focus = true) {
    this.list.querySelector('input[tabindex="0"]')?.setAttribute("tabindex", "-1");
    const box = this.cell(row)?.querySelector("input");
    box?.setAttribute("tabindex", "0");
    if (focus) box?.focus();
  }

  get at() {
    const row = document.activeElement?.closest?.("#grid li")?.dataset.row;
    return row === undefined ? null : Number(row);
  }

  key(event) {
    const cell = event.target.closest("li");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = Number(cell.dataset.row);
    if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault();
      event.stopPropagation();
      return void this.hooks.open(row);
    }
    const cells = [...this.list.children];
    const place = cells.indexOf(cell);
    const second = cells.findIndex((other) => other.offsetTop > cells[0].offsetTop);
    const wide = second < 0 ? cells.length : second;
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, ArrowDown: place + wide, ArrowUp: place - wide, Home: 0, End: cells.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!cells[to]) return;
    const next = Number(cells[to].dataset.row);
    if (event.shiftKey) {
      this.anchor ??= row;
      this.chosen.add(row);
      this.choose(next, true);
    } else {
      this.anchor = next;
      this.reach(next);
    }
    cells[to].scrollIntoView({ block: "nearest" });
  }
}

// What can be done with the chosen ones; where none is, what can be done with all.
export function bulk(grid, act, above) {
  const n = grid.chosen.size;
  const button = (text, run, kind = "", k = null) => make("button", { type: "button", class: `button ${kind}`, onclick: run, "aria-keyshortcuts": k }, text);
  if (n) {
    return [make("p", { class: "n", role: "status" }, `${count(n)} chosen`),
      button("Accept suggestions", act.acceptChosen, "primary", "a"), button("Relabel ...", act.search, "", "/"), button("Keep", act.keep, "", "k"), button("Drop", act.drop, "", "x"), button("Unsure", act.unsure, "", "?"), button("Choose none", () => grid.chooseAll(false), "plain", "Escape")];
  }
  const bound = make("input", { type: "number", class: "input number", id: "above", min: "0.5", max: "1", step: "0.01", value: above.value, onchange: (event) => act.above(event.target.value) });
  return [make("label", { for: "above" }, "Accept all suggestions above"), bound,
    make("button", { type: "button", class: "button primary", id: "accept", disabled: !above.rows.length, onclick: act.acceptAll }, `Accept ${count(above.rows.length)}`),
    make("span", { class: "quiet hint" }, "Or choose items: click, Shift and click for all between.")];
}
