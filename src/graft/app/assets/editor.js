// The editor: where one is, what the keys do, and what is shown. What was decided is known from the server only.
import { Refused, ask, media, send } from "./link.js";
import * as draw from "./draw.js";
import * as tables from "./tables.js";
import * as dialogs from "./dialogs.js";
import { Grid, bulk } from "./grid.js";
import { explained } from "./why.js";

const { make, count } = draw;
const AHEAD = 3;
const POLL = 2000;
const LASTS = 10000;

const page = document.getElementById("graft");
// The token has done its work once the page is here; it need not stand in the address.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);

let whole, state, store, grid;
let wanted = { kind: "any", label: null, predicted: null, now: null, undecided: true };
let many = false; // whether the grid is shown
let queue = [];
let place = 0;
let view = null; // what is shown alone; null: nothing is left
let who = "";
let keeper = null; // of the copies, the one that is chosen to stay
let why = null; // what speaks for an answer to the item that is shown, once it was asked for
let above = { value: "0.95", rows: [] };
const items = new Map();
const decided = new Set();

// One thing after another: a key that is hit while another is at work waits, and acts on what is shown then.
let turn = Promise.resolve();
const inTurn = (task) => (turn = turn.then(task).then(() => true, complain));

function complain(error) {
  if (!(error instanceof Refused)) console.error(error);
  say(error instanceof Refused ? error.message : "Something went wrong in this page. Reload it.", "error");
}

let fading;
function say(text, kind = "", undo = false) {
  const box = page.querySelector("#said");
  if (!box) return page.replaceChildren(make("div", { class: "note error", role: "alert" }, make("strong", {}, "The editor cannot begin."), make("span", {}, text)));
  clearTimeout(fading);
  box.className = kind === "error" ? "note error" : text.length ? "toast" : "";
  box.setAttribute("role", kind === "error" ? "alert" : "status");
  box.replaceChildren(make("span", {}, text), undo ? make("button", { type: "button", class: "button", onclick: act.undo }, "Undo") : "");
  const go = () => (box.matches(":hover, :focus-within") ? (fading = setTimeout(go, LASTS)) : say([]));
  if (kind !== "error" && text.length) fading = setTimeout(go, undo ? LASTS : LASTS / 2);
}

// ---- where one is

function remember() {
  const kept = new URLSearchParams(Object.entries({ ...wanted, undecided: wanted.undecided ? 1 : 0, row: view ? view.row : "", view: many ? "grid" : "" })
    .filter(([, value]) => value !== null && value !== ""));
  history.replaceState(null, "", `#${kept}`);
  try { localStorage.setItem(store, String(kept)); } catch { /* private windows keep nothing */ }
}

function recall() {
  let kept = location.hash.slice(1);
  try { kept ||= localStorage.getItem(store) || ""; } catch { /* the same */ }
  const values = new URLSearchParams(kept);
  const known = whole.kinds.some((kind) => kind.name === values.get("kind"));
  wanted = { kind: known ? values.get("kind") : "any", label: values.get("label"), predicted: values.get("predicted"), now: values.get("now"), undecided: values.get("undecided") !== "0" };
  many = values.get("view") === "grid";
  return /^\d{1,9}$/.test(values.get("row") || "") ? Number(values.get("row")) : null;
}

const asked = () => ({ ...wanted, undecided: wanted.undecided ? 1 : 0 });

async function open(row = null) {
  const found = await ask("queue", { ...asked(), keep: row });
  queue = found.rows;
  decided.clear();
  for (const done of found.decided) decided.add(done);
  place = Math.max(0, queue.indexOf(row));
  await show(queue[place]);
  drawFilters();
}

const get = (row) => {
  if (!items.has(row)) {
    const asking = ask(`item/${row}`);
    asking.catch(() => items.delete(row));
    items.set(row, asking);
  }
  return items.get(row);
};

async function show(row) {
  const chosen = row === undefined ? null : await get(row);
  if (chosen?.row !== view?.row) keeper = null;
  view = chosen;
  page.classList.toggle("many", many);
  if (many && queue.length) await showGrid();
  else drawItem();
  page.querySelectorAll("#views input").forEach((input) => { input.checked = (input.value === "grid") === many; });
  remember();
  if (many) return;
  for (const next of queue.slice(place + 1, place + 1 + AHEAD)) {
    get(next).catch(() => {});
    if (whole.modality === "image") new Image().src = media("picture", next, whole.run, 960);
  }
}

async function showGrid() {
  hushed();
  page.classList.remove("over");
  fill("item", grid.box);
  fill("where", `${count(queue.length)} ${queue.length === 1 ? "item" : "items"}`);
  for (const id of ["given", "reason", "actions", "choices", "around"]) fill(id);
  await measureAbove();
  await grid.show(queue, view?.row ?? null);
}

async function measureAbove() {
  above.rows = (await ask("suggested", { ...asked(), above: above.value })).rows;
  drawBulk();
}

const drawBulk = () => many && fill("bulk", queue.length ? bulk(grid, act, above) : []);

async function step(by) {
  const at = view && queue[place] !== view.row ? place : place + by; // back from a detour first
  if (at < 0) return say("This is the first one.");
  if (at >= queue.length) return finish();
  place = at;
  await show(queue[place]);
}

async function advance() {
  let at = place + 1;
  while (at < queue.length && decided.has(queue[at])) at += 1;
  if (at >= queue.length) return finish();
  place = at;
  await show(queue[place]);
}

async function finish() {
  place = queue.length;
  await show(undefined);
}

async function visit(row) {
  const at = queue.indexOf(row);
  if (at >= 0) place = at;
  many = false;
  await show(row);
  scrollTo({ top: 0 });
}

// ---- decisions

const DONE = { drop: "Dropped", keep: "Kept", unsure: "Marked as unsure", merge: "Merged", relabel: "Relabelled", accept: "Accepted" };

async function decide(action, rows, to = null, stay = false, undecided = false) {
  page.classList.add("saving");
  let answer;
  try {
    answer = await send("decide", { action, rows, to, who, undecided });
    await settle(answer);
  } finally {
    page.classList.remove("saving");
  }
  const n = answer.rows.length;
  const several = !many ? "" : n < rows.length ? `: ${count(n)} of ${count(rows.length)}; the others are copies alone, or decided meanwhile` : `: ${count(n)} ${n === 1 ? "item" : "items"}`;
  if (many) await grid.chooseAll(false);
  await (many ? regrid() : stay ? show(view.row) : advance());
  say([DONE[action], to ? [" to ", draw.name(to)] : "", several, ".", many ? "" : make("span", { class: "keys" }, " u takes it back.")].flat(), "", true);
}

async function regrid() {
  await grid.refresh();
  await measureAbove();
}

async function settle(answer) {
  items.clear();
  const taken = state.version <= answer.state.version;
  for (const row of answer.rows) (answer.undone ? decided.delete(row) : decided.add(row));
  if (taken) state = answer.state;
  drawState();
}

// What a decision is about: the item that is shown, or those that are chosen.
function about(action, to = null) {
  if (many && whole.several && action === "relabel") return say("These items bear several labels. Relabel them one by one.");
  if (many) return grid.chosen.size ? decide(action, [...grid.chosen], to) : say("Choose items first.");
  return view && decide(action, [view.row], to === null ? null : changed(to), to !== null && whole.several);
}
const decideOn = (action, to) => inTurn(() => about(action, to));

function enact() {
  if (!view || many) return null;
  const { action, to } = draw.proposed(view);
  return { next: () => step(1), merge: () => decide("merge", view.copy_rows) }[action]?.() ?? about(action, to);
}

const act = {
  previous: () => inTurn(() => step(-1)),
  next: () => inTurn(() => step(1)),
  keep: () => decideOn("keep"),
  drop: () => decideOn("drop"),
  unsure: () => decideOn("unsure"),
  merge: () => inTurn(() => !many && view?.copy_rows.length && decide("merge", view.copy_rows)),
  relabel: (label) => decideOn("relabel", label),
  suggested: () => inTurn(enact),
  acceptChosen: () => many && decideOn("accept"),
  acceptAll: () => inTurn(() => above.rows.length && decide("accept", above.rows, null, false, true)),
  above: (value) => inTurn(async () => { above.value = value; await measureAbove(); page.querySelector("#above")?.focus(); }),
  undo: () => inTurn(() => takeBack("undo", "Taken back", "There is nothing of yours to take back.")),
  redo: () => inTurn(() => takeBack("redo", "Made again", "There is nothing to make again.")),
  choose: (row) => inTurn(() => { keeper = row; drawItem(); }),
  search: () => (many ? grid.chosen.size : view) && dialogs.search(state.sizes.map(([label]) => label), act.relabel),
  look: () => view && !many && whole.modality === "image" && dialogs.zoom(view, whole),
  why: () => view && !many && whole.why && askWhy(view.row),
  views: () => inTurn(async () => { many = !many; await open(grid.at ?? view?.row ?? null); }),
};

// It takes a while, and nothing waits for it: what comes when another item is shown is not drawn.
async function askWhy(row) {
  if (why?.row === row) {
    why = null;
    return drawItem();
  }
  why = { row };
  drawWhy();
  try {
    const found = await ask(`why/${row}`);
    if (why?.row === row) why = found;
  } catch (error) {
    if (why?.row === row) why = null;
    complain(error);
  }
  if (view?.row === row && !many) drawWhy();
}

function drawWhy() {
  const box = page.querySelector("#why");
  if (!box) return;
  const own = why?.row === view.row ? why : null;
  box.querySelector("button").setAttribute("aria-pressed", String(own !== null));
  const said = box.querySelector("p");
  if (own?.kind) explained(own, view, page.querySelector("#exhibit"), said);
  else said.replaceChildren(own ? "Asking again without each part ..." : "");
}

function changed(label) {
  if (!whole.several) return label;
  const labels = new Set(view.label.split("|").filter(Boolean));
  if (!labels.delete(label)) labels.add(label);
  return [...labels].sort().join("|");
}

async function takeBack(how, done, nothing) {
  const answer = await send(how, { who });
  await settle({ ...answer, undone: how === "undo" });
  if (!answer.rows.length) return say(nothing);
  const n = answer.rows.length;
  if (many) await regrid();
  else await visit(answer.rows[0]);
  say(n === 1 ? `${done}.` : `${done}: ${count(n)} items.`);
}

// ---- what is shown

// Whoever came to a button by keys finds the one in its place focused.
function fill(id, ...content) {
  const box = page.querySelector(`#${id}`);
  const from = document.activeElement;
  const back = box.contains(from) && from.matches("button:focus-visible") ? from.getAttribute("aria-keyshortcuts") : null;
  box.replaceChildren(...content.flat().filter((part) => part !== ""));
  if (back) box.querySelector(`button[aria-keyshortcuts="${CSS.escape(back)}"]`)?.focus();
}

const leave = (target) => target.matches(":focus-visible") || target.blur();

function listed() {
  const all = state.sizes.map(([label]) => label);
  if (all.length <= 10) return all;
  if (many) return [];
  const first = view.bars.length ? view.bars.map(([label]) => label) : all.slice(0, 5);
  for (const label of whole.several ? view.label.split("|").filter(Boolean) : [view.given, view.label]) if (!first.includes(label)) first.push(label);
  return first.slice(0, 10);
}

function hushed() {
  page.querySelector("#stage audio")?.pause();
  draw.hush();
}

function drawItem() {
  hushed();
  fill("bulk");
  page.classList.toggle("over", !view);
  if (!view) return drawEnd();
  if (keeper !== null && view.copy_rows.includes(keeper)) {
    const first = (rows, row) => [...rows].sort((a, b) => (row(b) === keeper) - (row(a) === keeper));
    view = { ...view, copies: first(view.copies, (other) => other.row), copy_rows: first(view.copy_rows, (row) => row) };
  }
  const detour = queue[place] !== view.row;
  fill("where", detour ? "Beside the list; the arrow keys lead back to it." : `${count(place + 1)} of ${count(queue.length)}`);
  const whyNot = make("div", { id: "why" }, make("button", { type: "button", class: "button", onclick: act.why, "aria-keyshortcuts": "w", "aria-pressed": "false" }, draw.key("w"), "Why"), make("p", { role: "status" }));
  fill("item", draw.band(view, who), draw.exhibit(view, whole, act.look), whole.why ? whyNot : "",
    make("p", { class: "called" }, view.path ? draw.name(view.path) : "", view.split ? make("span", { class: "quiet" }, ` ${view.split}`) : "", view.group ? make("span", { class: "quiet" }, " group ", draw.name(view.group)) : ""));
  drawWhy();
  fill("given", make("p", {}, make("span", { class: "quiet" }, "It is called "), draw.name(view.given, { class: "label" })));
  fill("reason", view.issues.length ? make("ul", { class: "issues" }, view.issues.map(([, sentence]) => make("li", {}, sentence))) : "");
  fill("actions", draw.actions(view, act));
  fill("choices", draw.classes(view, whole, listed(), act));
  fill("around", draw.copies(view, whole, act), draw.neighbours(view, whole, (row) => inTurn(() => visit(row))));
}

function drawEnd() {
  const nothing = !state.counts.any[0];
  const open = whole.kinds.filter((kind) => kind.name !== "all" && state.counts[kind.name][1]);
  fill("where", queue.length ? `All ${count(queue.length)} seen` : "");
  const lead = nothing ? "Nothing was found that looks wrong." : queue.length ? "That was the last one of this list." : open.length ? "Nothing here is left to decide." : "All is decided that looked wrong.";
  const button = (text, run, kind) => make("button", { type: "button", class: `button ${kind}`, onclick: run }, text);
  const more = open.slice(0, 4).map((kind, at) => button(`${kind.name === "any" ? "Whatever is left" : kind.title}: ${count(state.counts[kind.name][1])} left`, () => filter({ kind: kind.name, label: null, predicted: null, now: null, undecided: true }), at ? "" : "primary"));
  const again = queue.length ? button("From the beginning", () => inTurn(() => (place = 0, show(queue[0]))), "") : "";
  const all = nothing ? button("Look through all items", () => filter({ kind: "all" }), "primary") : "";
  fill("item", make("div", { class: "end", id: "end" }, make("p", { class: "lead" }, lead),
    nothing ? make("p", { class: "quiet" }, "You can still look through the items, those that the model is least sure of first.") : "", make("p", { class: "buttons" }, more, all, again)));
  for (const id of ["given", "reason", "actions", "choices", "around"]) fill(id);
}

function drawState() {
  const [n, left] = state.counts.any;
  const done = n - left;
  const things = { image: "photos", text: "texts", audio: "recordings" }[whole.modality];
  const there = state.sizes.filter(([, size]) => size).length;
  const remain = state.dropped ? `${count(whole.n - state.dropped)} of ${count(whole.n)}` : count(whole.n);
  fill("size", `${remain} ${things} in ${count(there)} ${there === 1 ? "class" : "classes"}. You decide as `);
  page.querySelector("progress").max = Math.max(1, n);
  page.querySelector("progress").value = n ? done : 1;
  fill("count", n ? `${count(done)} of ${count(n)} decided, ${count(left)} left` : "Nothing found that looks wrong");
  const { text, busy } = state.score;
  fill("score", make("span", {}, text), busy ? make("span", { class: "quiet" }, text ? " ... measuring" : "Measuring the score ...") : "");
  fill("people", tables.others(state, (row) => inTurn(() => visit(row))));
  drawFilters();
}

function drawFilters() {
  const focus = document.activeElement?.closest("#kinds button")?.dataset.kind;
  const kinds = whole.kinds.filter((kind) => state.counts[kind.name][0] || ["any", "all"].includes(kind.name));
  fill("kinds", kinds.map((kind) => {
    const [n, left] = state.counts[kind.name];
    return make("button", { type: "button", "data-kind": kind.name, "aria-pressed": String(kind.name === wanted.kind), title: `${count(left)} of ${count(n)} left`, onclick: () => filter({ kind: kind.name, predicted: null, label: null }) },
      make("span", {}, kind.title), make("span", { class: "n" }, count(wanted.undecided ? left : n)));
  }));
  if (focus) page.querySelector(`#kinds [data-kind="${CSS.escape(focus)}"]`)?.focus();
  page.querySelector("#undecided").checked = wanted.undecided;
  const select = page.querySelector("#class");
  const options = JSON.stringify(state.sizes);
  if (select.dataset.shown !== options) {
    select.dataset.shown = options;
    select.replaceChildren(make("option", { value: "-1" }, "every class"), ...state.sizes.map(([label, n], at) => make("option", { value: at }, `${label} (${count(n)})`)));
  }
  select.value = String(state.sizes.findIndex(([label]) => label === wanted.now));
  fill("pair", wanted.predicted === null ? "" : make("p", {}, "called ", draw.name(wanted.label), ", looks like ", draw.name(wanted.predicted), " ",
    make("button", { type: "button", class: "link", onclick: () => filter({ label: null, predicted: null }) }, "show all")));
  fill("matrix", tables.matrix(whole, state.confusion, wanted, (label, predicted) => {
    filter({ kind: "label", label, predicted, now: null, undecided: true });
    scrollTo({ top: 0 });
  }));
}

const filter = (change) => inTurn(() => {
  wanted = { ...wanted, ...change };
  return open();
});

function drawFrame() {
  const keep = (value) => { who = value.trim(); try { localStorage.setItem("graft who", who); } catch { /* private windows keep nothing */ } };
  const select = make("select", { id: "class", class: "input", "aria-label": "Class", onchange: (event) => { leave(event.target); filter({ now: state.sizes[event.target.value]?.[0] ?? null, label: null, predicted: null }); } });
  const undecided = make("input", { type: "checkbox", id: "undecided", onchange: (event) => { const on = event.target.checked; leave(event.target); filter({ undecided: on }); } });
  const own = make("input", { id: "who", "aria-label": "You decide as", value: who, maxlength: "60", autocomplete: "off", spellcheck: "false", onchange: (event) => { keep(event.target.value); inTurn(poll); event.target.blur(); } });
  const way = (text, value) => make("label", {}, make("input", { type: "radio", name: "views", value, checked: (value === "grid") === many, onchange: (event) => { leave(event.target); act.views(); } }), text);
  page.replaceChildren(
    make("header", {}, make("div", {}, make("h1", {}, draw.name(whole.name)), make("p", { class: "quiet" }, make("span", { id: "size" }), own)),
      make("div", { class: "standing" }, make("p", { id: "count", role: "status" }), make("progress", { "aria-labelledby": "count" }), make("p", { id: "score", "aria-live": "polite" }))),
    make("div", { class: "tools" }, make("div", { class: "switch", id: "views", role: "radiogroup", "aria-label": "How to look" }, way("One by one", "one"), way("Grid", "grid")),
      make("p", { id: "where", class: "number" }), make("button", { type: "button", class: "button plain", id: "help", onclick: dialogs.keys, "aria-keyshortcuts": "h" }, "Keys", draw.key("h"))),
    make("div", { id: "said", role: "status" }),
    make("div", { class: "board" },
      make("details", { class: "filters", open: !matchMedia("(max-width: 60rem)").matches }, make("summary", {}, "Which items"),
        make("div", { id: "kinds", role: "group", "aria-label": "Kinds of issues" }), make("label", { class: "check" }, undecided, "only what is not decided yet"), select, make("div", { id: "pair" })),
      make("main", { id: "stage" }, make("div", { id: "item" }), make("div", { id: "bulk", role: "toolbar", "aria-label": "Decide on several" })),
      make("div", { class: "side" }, make("div", { id: "given" }), make("div", { id: "reason" }), make("div", { id: "actions", role: "toolbar", "aria-label": "Decide" }), make("div", { id: "choices" }), make("div", { id: "people" })),
      make("div", { id: "around" })),
    make("div", { id: "matrix" }), tables.notes(whole));
  grid = new Grid(whole, { open: (row) => inTurn(() => visit(row)), changed: drawBulk, turn: inTurn });
  document.title = `${whole.name}: clean`;
}

// ---- keys

const KEYS = { ArrowLeft: act.previous, ArrowRight: act.next, k: act.keep, Enter: act.suggested, x: act.drop, u: act.undo, U: act.redo, "?": act.unsure, m: act.merge, "/": act.search, z: act.look, w: act.why, g: act.views, a: act.acceptChosen, h: dialogs.keys };

function inGrid(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "a") grid.chooseAll(true);
  else if (event.key === "Escape" && grid.chosen.size) grid.chooseAll(false);
  else return false;
  event.preventDefault();
  return true;
}

document.addEventListener("keydown", (event) => {
  const target = event.target;
  if (!whole || !grid || event.isComposing || target.closest?.("input:not([type=checkbox]), select, textarea, dialog, audio")) return;
  if (many && inGrid(event)) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ((event.key === "Enter" || event.key === " ") && target.closest?.("button, summary, a, input")) return;
  if (event.key === " " && page.querySelector("audio")) {
    event.preventDefault();
    const player = page.querySelector("audio");
    return void (player.paused ? player.play() : player.pause());
  }
  if (/^[0-9]$/.test(event.key)) {
    event.preventDefault();
    return void inTurn(() => {
      const label = (many || view) && listed().find((_, at, all) => draw.digitOf(all, at) === event.key);
      return typeof label === "string" ? about("relabel", label) : null;
    });
  }
  if (!(event.key in KEYS) || (event.repeat && !event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  KEYS[event.key]();
});

// ---- what others decide meanwhile

let silent = false;
async function poll() {
  const found = await ask("state", { who });
  if (silent) say("The editor answers again.");
  silent = false;
  const news = found.version !== state.version;
  const same = JSON.stringify(found) === JSON.stringify(state);
  state = found;
  if (!same) drawState();
  if (!news) return;
  items.clear();
  if (many && queue.length) await regrid();
  else if (view) await show(view.row);
}

async function keepUp() {
  if (!document.hidden) {
    try {
      await (turn = turn.then(poll));
    } catch (error) {
      silent = true;
      turn = Promise.resolve();
      complain(error);
    }
  }
  setTimeout(keepUp, POLL);
}

inTurn(async () => {
  whole = await ask("start");
  store = `graft ${whole.journal}`;
  who = whole.who;
  try { who = localStorage.getItem("graft who") ?? who; } catch { /* private windows keep nothing */ }
  state = await ask("state", { who });
  const row = recall();
  drawFrame();
  drawState();
  await open(row);
  drawState();
  page.dataset.ready = "true";
  addEventListener("hashchange", () => inTurn(() => open(recall())));
  setTimeout(keepUp, POLL);
});
