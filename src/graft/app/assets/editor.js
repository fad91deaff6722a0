// The editor: where one is, what the keys do, and what is shown. What was decided is known from the server only.
import { Refused, ask, media, send } from "./link.js";
import * as draw from "./draw.js";

const { make, count } = draw;
const AHEAD = 3;
const POLL = 2000;

const page = document.getElementById("graft");
// The token has done its work once the page is here; it need not stand in the address.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);

let whole, state, store;
let wanted = { kind: "any", label: null, predicted: null, undecided: true };
let queue = [];
let place = 0;
let view = null; // what is shown; null: nothing is left
let who = "";
let keeper = null; // of the copies, the one that is chosen to stay
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
function say(text, kind = "") {
  const box = page.querySelector("#said");
  if (!box) return page.replaceChildren(make("p", { class: "loading error", role: "alert" }, text));
  clearTimeout(fading);
  box.className = kind;
  box.setAttribute("role", kind === "error" ? "alert" : "status");
  box.replaceChildren(...[text].flat().map((part) => (part instanceof Node ? part : document.createTextNode(part))));
  if (kind !== "error" && text.length) fading = setTimeout(() => say([]), 4000);
}

// ---- where one is

function remember() {
  const kept = new URLSearchParams(Object.entries({ ...wanted, undecided: wanted.undecided ? 1 : 0, row: view ? view.row : "" })
    .filter(([, value]) => value !== null && value !== ""));
  history.replaceState(null, "", `#${kept}`);
  try { localStorage.setItem(store, String(kept)); } catch { /* private windows keep nothing */ }
}

function recall() {
  let kept = location.hash.slice(1);
  try { kept ||= localStorage.getItem(store) || ""; } catch { /* the same */ }
  const values = new URLSearchParams(kept);
  const known = whole.kinds.some((kind) => kind.name === values.get("kind"));
  wanted = { kind: known ? values.get("kind") : "any", label: values.get("label"), predicted: values.get("predicted"), undecided: values.get("undecided") !== "0" };
  return /^\d{1,9}$/.test(values.get("row") || "") ? Number(values.get("row")) : null;
}

async function open(row = null) {
  const found = await ask("queue", { ...wanted, undecided: wanted.undecided ? 1 : 0, keep: row });
  queue = found.rows;
  decided.clear();
  for (const done of found.decided) decided.add(done);
  place = Math.max(0, queue.indexOf(row));
  await show(queue[place]);
  drawFilters();
}

const get = (row) => {
  if (!items.has(row)) {
    const asked = ask(`item/${row}`);
    asked.catch(() => items.delete(row));
    items.set(row, asked);
  }
  return items.get(row);
};

async function show(row) {
  const chosen = row === undefined ? null : await get(row);
  if (chosen?.row !== view?.row) keeper = null;
  view = chosen;
  drawItem();
  remember();
  for (const next of queue.slice(place + 1, place + 1 + AHEAD)) {
    get(next).catch(() => {});
    if (whole.modality === "image") new Image().src = media("picture", next, whole.run, 960);
  }
}

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
  await show(row);
  scrollTo({ top: 0 });
}

// ---- decisions

async function decide(action, rows, to = null, stay = false) {
  page.classList.add("saving");
  try {
    await settle(await send("decide", { action, rows, to, who }));
  } finally {
    page.classList.remove("saving");
  }
  say([`${{ drop: "Dropped", keep: "Kept", unsure: "Marked as unsure", merge: "Merged", relabel: "Relabelled" }[action]}`, to ? [" to ", draw.name(to)] : "", ".", make("span", { class: "keys" }, " u takes it back.")].flat());
  await (stay ? show(view.row) : advance());
}

async function settle(answer) {
  items.clear();
  const taken = state.version <= answer.state.version;
  for (const row of answer.rows) (answer.undone ? decided.delete(row) : decided.add(row));
  if (taken) state = answer.state;
  drawState();
}

const act = {
  previous: () => inTurn(() => step(-1)),
  next: () => inTurn(() => step(1)),
  keep: () => inTurn(() => view && decide("keep", [view.row])),
  drop: () => inTurn(() => view && decide("drop", [view.row])),
  unsure: () => inTurn(() => view && decide("unsure", [view.row])),
  merge: () => inTurn(() => view?.copy_rows.length && decide("merge", view.copy_rows)),
  relabel: (label) => inTurn(() => view && decide("relabel", [view.row], changed(label), whole.several)),
  undo: () => inTurn(() => takeBack("undo", "Taken back.", "There is nothing of yours to take back.")),
  redo: () => inTurn(() => takeBack("redo", "Made again.", "There is nothing to make again.")),
  choose: (row) => inTurn(() => { keeper = row; drawItem(); }),
  search: () => search(),
};

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
  await visit(answer.rows[0]);
  say(done);
}

// ---- what is shown

const fill = (id, ...content) => page.querySelector(`#${id}`).replaceChildren(...content.flat().filter((part) => part !== ""));

function listed() {
  const all = [...whole.classes.map((entry) => entry.name), ...state.new_labels];
  if (all.length <= 10) return all;
  const first = view.bars.length ? view.bars.map(([label]) => label) : all.slice(0, 5);
  for (const label of whole.several ? view.label.split("|").filter(Boolean) : [view.given, view.label]) if (!first.includes(label)) first.push(label);
  return first.slice(0, 10);
}

function drawItem() {
  const stage = page.querySelector("#stage");
  stage.querySelector("audio")?.pause();
  draw.hush();
  page.classList.toggle("over", !view);
  if (!view) return drawEnd();
  const shown = { ...view };
  if (keeper !== null && view.copy_rows.includes(keeper)) {
    const first = (rows, row) => [...rows].sort((a, b) => (row(b) === keeper) - (row(a) === keeper));
    shown.copies = first(view.copies, (other) => other.row);
    shown.copy_rows = first(view.copy_rows, (row) => row);
    view = { ...view, copies: shown.copies, copy_rows: shown.copy_rows };
  }
  const detour = queue[place] !== view.row;
  fill("where", detour ? "Beside the list; the arrow keys lead back to it." : `${count(place + 1)} of ${count(queue.length)}`);
  fill("item", draw.band(view, who), draw.exhibit(view, whole),
    make("p", { class: "called" }, view.path ? draw.name(view.path) : "", view.split ? make("span", { class: "quiet" }, ` ${view.split}`) : "", view.group ? make("span", { class: "quiet" }, " group ", draw.name(view.group)) : ""),
    make("ul", { class: "issues" }, view.issues.map(([, sentence]) => make("li", {}, sentence))));
  fill("given", make("p", {}, make("span", { class: "quiet" }, "It is called "), draw.name(view.given, { class: "label" })));
  fill("choices", draw.classes(view, whole, listed(), act));
  fill("around", draw.copies(view, whole, act), draw.neighbours(view, whole, (row) => inTurn(() => visit(row))));
}

function drawEnd() {
  const nothing = !state.counts.any[0];
  const open = whole.kinds.filter((kind) => kind.name !== "all" && state.counts[kind.name][1]);
  fill("where", queue.length ? `All ${count(queue.length)} seen` : "");
  const lead = nothing ? "Nothing was found that looks wrong." : queue.length ? "That was the last one of this list." : open.length ? "Nothing here is left to decide." : "All is decided that looked wrong.";
  const again = queue.length ? make("button", { type: "button", onclick: () => inTurn(() => (place = 0, show(queue[0]))) }, "From the beginning") : "";
  const more = open.slice(0, 4).map((kind) => make("button", { type: "button", onclick: () => filter({ kind: kind.name, label: null, predicted: null, undecided: true }) }, `${kind.name === "any" ? "Whatever is left" : kind.title}: ${count(state.counts[kind.name][1])} left`));
  const all = nothing ? make("button", { type: "button", onclick: () => filter({ kind: "all" }) }, "Look through all items") : "";
  fill("item", make("div", { class: "end", id: "end" }, make("p", { class: "lead" }, lead),
    nothing ? make("p", { class: "quiet" }, "You can still look through the items, those that the model is least sure of first.") : "", make("p", { class: "buttons" }, again, more, all)));
  for (const id of ["given", "choices", "around"]) fill(id);
}

function drawState() {
  const [n, left] = state.counts.any;
  const done = n - left;
  page.querySelector("progress").max = Math.max(1, n);
  page.querySelector("progress").value = n ? done : 1;
  fill("count", n ? `${count(done)} of ${count(n)} decided, ${count(left)} left` : "Nothing found that looks wrong");
  const { text, busy } = state.score;
  fill("score", make("span", {}, text), busy ? make("span", { class: "quiet" }, text ? " … measuring" : "Measuring the score …") : "");
  fill("people", draw.others(state, (row) => inTurn(() => visit(row))));
  drawFilters();
}

function drawFilters() {
  const focus = document.activeElement?.closest("#kinds button")?.dataset.kind;
  const kinds = whole.kinds.filter((kind) => state.counts[kind.name][0] || ["any", "all"].includes(kind.name));
  fill("kinds", kinds.map((kind) => {
    const [n, left] = state.counts[kind.name];
    return make("button", { type: "button", "data-kind": kind.name, "aria-pressed": String(kind.name === wanted.kind), title: `${count(left)} of ${count(n)} left`, onclick: () => filter({ kind: kind.name, predicted: null }) },
      make("span", {}, kind.title), make("span", { class: "n" }, count(wanted.undecided ? left : n)));
  }));
  if (focus) page.querySelector(`#kinds [data-kind="${CSS.escape(focus)}"]`)?.focus();
  page.querySelector("#undecided").checked = wanted.undecided;
  const select = page.querySelector("#class");
  select.value = String(whole.classes.findIndex((entry) => entry.name === wanted.label));
  fill("pair", wanted.predicted === null ? "" : make("p", {}, "called ", draw.name(wanted.label), ", looks like ", draw.name(wanted.predicted), " ",
    make("button", { type: "button", class: "link", onclick: () => filter({ label: null, predicted: null }) }, "show all")));
  fill("matrix", draw.matrix(whole, wanted, (label, predicted) => {
    filter({ kind: "label", label, predicted, undecided: false });
    scrollTo({ top: 0, behavior: "smooth" });
  }));
}

const filter = (change) => inTurn(() => {
  wanted = { ...wanted, ...change };
  return open();
});

function drawFrame() {
  const things = { image: "photos", text: "texts", audio: "recordings" }[whole.modality];
  const select = make("select", { id: "class", "aria-label": "Class", onchange: (event) => { event.target.blur(); filter({ label: whole.classes[event.target.value]?.name ?? null, predicted: null }); } },
    make("option", { value: "-1" }, "every class"), whole.classes.map((entry, at) => make("option", { value: at }, `${entry.name} (${count(entry.n)})`)));
  const undecided = make("input", { type: "checkbox", id: "undecided", onchange: (event) => { const on = event.target.checked; event.target.blur(); filter({ undecided: on }); } });
  const own = make("input", { id: "who", value: who, maxlength: "60", autocomplete: "off", spellcheck: "false", onchange: (event) => { who = event.target.value.trim(); try { localStorage.setItem("graft who", who); } catch { /* the same */ } inTurn(poll); event.target.blur(); } });
  page.replaceChildren(
    make("header", {}, make("div", {}, make("h1", {}, draw.name(whole.name)),
      make("p", { class: "quiet" }, `${count(whole.n)} ${things} in ${count(whole.classes.length)} classes. You decide as `, own)),
      make("div", { class: "standing" }, make("p", { id: "count", role: "status" }), make("progress", { "aria-labelledby": "count" }), make("p", { id: "score", "aria-live": "polite" }))),
    make("div", { class: "board" },
      make("details", { class: "filters", open: !matchMedia("(max-width: 60rem)").matches }, make("summary", {}, "Which items"),
        make("div", { id: "kinds", role: "group", "aria-label": "Kinds of issues" }), make("label", { class: "check" }, undecided, "only what is not decided yet"), select, make("div", { id: "pair" })),
      make("main", { id: "stage" }, make("div", { class: "line" }, make("p", { id: "where", class: "quiet" }), make("p", { id: "said", role: "status" })), make("div", { id: "item" })),
      make("div", { class: "side" }, make("div", { id: "given" }), make("div", { id: "choices" }), draw.actions(act), make("div", { id: "people" })),
      make("div", { id: "around" })),
    make("div", { id: "matrix" }), draw.notes(whole), make("dialog", { id: "search", "aria-label": "Choose a class" }));
  document.title = `${whole.name}: clean`;
}

// ---- choosing a class by its name

function search() {
  if (!view) return;
  const box = page.querySelector("#search");
  const all = [...whole.classes.map((entry) => entry.name), ...state.new_labels];
  let found = [];
  let at = 0;
  const input = make("input", { type: "text", "aria-label": "Class", placeholder: "Type a class", maxlength: "200", autocomplete: "off", spellcheck: "false", role: "combobox", "aria-controls": "found", "aria-expanded": "true" });
  const list = make("ul", { id: "found", role: "listbox" });
  const take = (choice) => { box.close(); if (choice) act.relabel(choice.label); };
  const update = () => {
    const typed = input.value.trim().toLowerCase();
    const rank = (label) => { const low = label.toLowerCase(); return low === typed ? 0 : low.startsWith(typed) ? 1 : low.includes(typed) ? 2 : 3; };
    found = all.filter((label) => rank(label) < 3).sort((a, b) => rank(a) - rank(b)).slice(0, 8).map((label) => ({ label, made: false }));
    if (typed && !all.includes(input.value.trim())) found.push({ label: input.value.trim(), made: true });
    at = Math.min(at, Math.max(0, found.length - 1));
    list.replaceChildren(...found.map((choice, number) => make("li", { role: "option", id: `found-${number}`, "aria-selected": String(number === at), onclick: () => take(choice) }, choice.made ? "New class " : "", draw.name(choice.label))));
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
      take(found[at]);
    }
    event.stopPropagation();
  });
  box.replaceChildren(input, list);
  box.onclick = (event) => event.target === box && box.close();
  update();
  box.showModal();
  input.focus();
}

// ---- keys

const KEYS = { ArrowLeft: act.previous, ArrowRight: act.next, k: act.keep, Enter: act.keep, x: act.drop, u: act.undo, U: act.redo, "?": act.unsure, m: act.merge, "/": act.search };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !whole) return;
  const target = event.target;
  if (target.closest?.("input, select, textarea, dialog, audio")) return;
  if ((event.key === "Enter" || event.key === " ") && target.closest?.("button, summary, a")) return;
  if (event.key === " " && page.querySelector("audio")) {
    event.preventDefault();
    const player = page.querySelector("audio");
    return void (player.paused ? player.play() : player.pause());
  }
  if (/^[0-9]$/.test(event.key)) {
    event.preventDefault();
    return void inTurn(() => {
      const label = view && listed().find((_, at, all) => draw.digitOf(all, at) === event.key);
      return label ? decide("relabel", [view.row], changed(label), whole.several) : null;
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
  if (news) {
    items.clear();
    if (view) await show(view.row);
  }
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
  try { who = localStorage.getItem("graft who") ?? who; } catch { /* the same */ }
  state = await ask("state", { who });
  drawFrame();
  drawState();
  await open(recall());
  drawState();
  page.dataset.ready = "true";
  addEventListener("hashchange", () => inTurn(() => open(recall())));
  setTimeout(keepUp, POLL);
});
