// Many at once: photos as tiles, texts and recordings as rows. Answers come in where they belong; the order changes at most
// once a second, and never while the pointer or the focus is there.

import { called, inSet, isNumber, isSeveral, kindOf, ranked, short, sureness, tally } from "./answers.js";
import { $, button, from, listed, make, name, per100, put, toast } from "./dom.js";
import { tile } from "./pictures.js";

const PART = 300; // tiles that are drawn at first, and each time more are asked for
const ORDERS = [
  (a, b) => sureness(a) - sureness(b),
  (a, b) => sureness(b) - sureness(a),
  () => 0,
  (a, b) =>
    isNumber(a.answer) && isNumber(b.answer) ? a.answer.value - b.answer.value : short(a).localeCompare(short(b)),
];
const KEPT = { sieve: "all", order: 0, most: PART };
const made = new WeakMap();
let timer = 0;
let sorted = 0;
let begun = { at: 0, done: 0 };

const matches = (one) => {
  const kind = kindOf(one);
  return (
    KEPT.sieve === "all" ||
    kind === KEPT.sieve ||
    (KEPT.sieve.startsWith("= ") && (one.own || kind === "sure") && short(one) === KEPT.sieve.slice(2))
  );
};

export function forget() {
  clearTimeout(timer);
  timer = 0;
}

// Draws the view; `page` gives items, about, open(one), stop(), resume().
export function show(page) {
  const rows = page.about.modality !== "image";
  put($("main"), from("t-many"));
  (rows ? $("tiles") : $("rows").closest("table")).remove();
  KEPT.most = PART;
  if (page.about.task === "regression") $("order").options[3].text = "By number";
  $("order").selectedIndex = KEPT.order;
  $("order").addEventListener("change", (event) => {
    KEPT.order = event.target.selectedIndex;
    sort(page);
  });
  $("csv").addEventListener("click", () => download(page));
  begun = { at: performance.now(), done: page.items.filter(({ answer }) => answer).length };
  if (rows) {
    $("col-what").textContent = page.about.modality === "text" ? "text" : "recording";
    $("col-sure").textContent = page.about.task === "regression" ? "between" : "in 100";
  }
  update(page);
  sort(page);
}

// After an answer: the item's own place, the sentence above, the chips; later the order.
export function update(page, one = null) {
  const { items } = page;
  const found = tally(items, page.word);
  put($("h-many"), found.sentence);
  progress(page, found.waiting);
  sieve(page, found);
  if (one && made.has(one)) fill(one);
  $("csv").disabled = !items.some(({ answer }) => answer);
  if (timer) return;
  timer = setTimeout(
    () => {
      timer = 0;
      if (!$("h-many")) return;
      const grid = $("tiles") ?? $("rows");
      if (!grid?.matches(":hover, :focus-within")) return sort(page);
      sorted = performance.now();
      append(page, grid);
      update(page);
    },
    Math.max(0, 1000 - (performance.now() - sorted)),
  );
}

function progress({ items, stop, resume }, waiting) {
  const box = $("progress");
  const stopped = items.filter((one) => kindOf(one) === "stopped").length;
  box.hidden = !waiting && !stopped;
  const done = items.length - waiting - stopped;
  $("p-done").textContent = `${done.toLocaleString("en")} of ${items.length.toLocaleString("en")} answered`;
  const bar = box.querySelector("progress");
  [bar.max, bar.value] = [items.length, done];
  const spent = (performance.now() - begun.at) / 1000;
  const fresh = done - begun.done;
  const left = spent >= 2 && fresh > 0 ? (spent / fresh) * waiting : 0;
  const said =
    waiting && left
      ? `about ${left >= 90 ? `${Math.round(left / 60)} min` : `${Math.max(1, Math.round(left))} s`} left `
      : "";
  const act = $("p-act") ?? make("button", { type: "button", class: "more", id: "p-act" });
  act.textContent = waiting ? "Stop" : "Go on";
  act.onclick = waiting ? stop : resume;
  if (!act.isConnected) put($("p-left"), make("span", { id: "p-time" }), act);
  $("p-time").textContent = said;
}

function sieve(page, found) {
  const chips = [
    ["all", "All", page.items.length],
    ["unsure", "Not sure", found.of("unsure")],
    ["unknown", "Unknown", found.of("unknown")],
    ["failed", "Not read", found.of("failed")],
    ...found.classes.slice(0, 6).map(([label, n]) => [`= ${label}`, name(label), n]),
  ].filter(([key, , n]) => n || key === "all" || key === KEPT.sieve);
  const keys = chips.map(([key]) => key).join("\n");
  if ($("sieve").dataset.keys === keys) {
    // The chips stay what they are; only their figures change.
    [...$("sieve").children].forEach((chip, i) => {
      chip.querySelector(".n").textContent = chips[i][2].toLocaleString("en");
      chip.setAttribute("aria-pressed", String(KEPT.sieve === chips[i][0]));
    });
    return;
  }
  const focused = document.activeElement?.dataset?.key;
  $("sieve").dataset.keys = keys;
  put(
    $("sieve"),
    chips.map(([key, text, n]) =>
      make(
        "button",
        {
          type: "button",
          class: "chip",
          "data-key": key,
          "aria-pressed": String(KEPT.sieve === key),
          onclick: () => {
            KEPT.sieve = key;
            KEPT.most = PART;
            update(page);
            sort(page);
          },
        },
        text,
        " ",
        make("span", { class: "n" }, n.toLocaleString("en")),
      ),
    ),
  );
  if (focused) [...$("sieve").children].find((chip) => chip.dataset.key === focused)?.focus();
}

function sort(page) {
  sorted = performance.now();
  const grid = $("tiles") ?? $("rows");
  if (!grid) return;
  const wanted = page.items.filter(matches);
  const order = ORDERS[KEPT.order];
  const list = [...wanted.filter(({ answer }) => answer).sort(order), ...wanted.filter(({ answer }) => !answer)].slice(
    0,
    KEPT.most,
  );
  const nodes = list.map((one) => {
    if (!made.has(one)) made.set(one, node(one, page));
    fill(one);
    return made.get(one);
  });
  const focused = document.activeElement?.closest?.("[data-item]");
  put(grid, nodes);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  rove(grid);
  $("none").hidden = wanted.length > 0;
  const table = grid.closest("table");
  if (table) table.hidden = !wanted.length;
  put(
    $("none"),
    wanted.length
      ? ""
      : [
          make("p", { class: "lead" }, `None of these ${page.word}s.`),
          button("Show all", () => {
            KEPT.sieve = "all";
            update(page);
            sort(page);
          }),
        ],
  );
  const more = wanted.length - list.length;
  put(
    $("further"),
    more > 0
      ? button(`Show ${Math.min(more, PART)} more of ${more.toLocaleString("en")}`, () => {
          KEPT.most += PART;
          sort(page);
        })
      : "",
  );
}

// One tab stop for the whole group.
function rove(grid) {
  const buttons = [...grid.querySelectorAll(".opens")];
  if (!buttons.some((press) => press.tabIndex === 0))
    for (const [i, press] of buttons.entries()) press.tabIndex = i ? -1 : 0;
  else for (const extra of buttons.filter((press) => press.tabIndex === 0).slice(1)) extra.tabIndex = -1;
}

// What is new comes to the end where nothing may move.
function append(page, grid) {
  for (const one of page.items.filter(matches).slice(0, KEPT.most)) {
    if (!made.has(one)) made.set(one, node(one, page));
    if (made.get(one).isConnected) continue;
    fill(one);
    grid.append(made.get(one));
  }
}

const node = (one, page) => ($("tiles") ? tiled(one, page) : rowed(one, page));

function tiled(one, page) {
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button", class: "tile-button opens", tabindex: -1, "data-item": one.id, onclick: () => page.open(one) },
      tile(one),
      make("span", { class: "told" }),
      make("span", { class: "mini" }, make("b")),
      make("span", { class: "small name" }, one.name),
    ),
  );
}

function fill(one) {
  const place = made.get(one);
  if (place.tagName === "TR") return filled(one, place);
  const kind = kindOf(one);
  place.className = kind;
  const [told, mini] = [place.querySelector(".told"), place.querySelector(".mini")];
  const answered = one.answer && !one.answer.error;
  mini.classList.toggle("none", !answered || kind === "unknown" || isNumber(one.answer) || isSeveral(one.answer));
  if (answered) mini.style.setProperty("--p", one.answer.confidence ?? 0);
  if (kind === "failed") {
    const frame = place.querySelector(".frame");
    frame.className = "frame tile gone";
    frame.textContent = one.answer.error.message;
  }
  const waiting = { waiting: "waiting", stopped: "left out" }[kind];
  put(
    told,
    waiting ? make("span", { class: "small" }, waiting) : name(short(one)),
    one.own ? make("span", { class: "chip fixed" }, "yours") : answered ? figure(one) : "",
  );
}

function figure(one) {
  const { answer } = one;
  if (answer.unknown || isSeveral(answer)) return "";
  if (isNumber(answer)) return "";
  return make("span", { class: "number" }, per100(answer.confidence));
}

function rowed(one, page) {
  return make(
    "tr",
    { "data-item": one.id },
    make(
      "td",
      {},
      make(
        "button",
        { type: "button", class: "more opens", tabindex: -1, onclick: () => page.open(one) },
        make("span", { dir: "auto" }, one.kind === "text" ? one.content : one.name),
      ),
    ),
    make("th", { scope: "row" }),
    make("td", { class: "number" }),
  );
}

function filled(one, row) {
  const kind = kindOf(one);
  const { answer } = one;
  const [, label, sure] = row.children;
  if (kind === "waiting" || kind === "stopped")
    return put(label, make("span", { class: "small" }, kind === "waiting" ? "waiting" : "left out"));
  if (one.own) put(label, make("span", { class: "chip fixed" }, "yours"), " ", name(called(one.own.label)));
  else if (kind === "failed") put(label, make("span", { class: "small" }, answer.error.message));
  else if (kind === "unknown") put(label, make("span", { class: "chip unknown" }, "unknown"));
  else if (kind === "unsure")
    put(
      label,
      listed(
        inSet(answer).length > 3 ? [...inSet(answer).slice(0, 2), `${inSet(answer).length - 2} others`] : inSet(answer),
      ),
    );
  else put(label, name(short(one)));
  sure.textContent =
    kind === "failed" || kind === "unknown" || isSeveral(answer)
      ? ""
      : isNumber(answer)
        ? `${short({ answer: { ...answer, value: answer.low } })} to ${short({ answer: { ...answer, value: answer.high } })}`
        : per100(answer.confidence);
}

// The answers as a file; a cell that a program could take for a formula is made text.
export function csv(items, about) {
  const plain = (value) => {
    const text = typeof value === "number" ? String(value) : String(value ?? "");
    const safe = typeof value !== "number" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const numbers = about.task === "regression";
  const first = about.modality === "text" ? "text" : "file";
  const head = numbers
    ? [first, "value", "low", "high", "unknown"]
    : [first, "label", "confidence", "unknown", "set", ...about.classes];
  const rows = items
    .filter(({ answer }) => answer && !answer.error)
    .map(({ answer, content, name: file, kind }) => {
      const begin = [kind === "text" ? content : file];
      if (numbers) return [...begin, answer.value, answer.low, answer.high, answer.unknown];
      const scores = Object.fromEntries(ranked(answer));
      return [
        ...begin,
        isSeveral(answer) ? answer.labels.join("|") : answer.label,
        answer.confidence,
        answer.unknown,
        (answer.set ?? []).join("|"),
        ...about.classes.map((label) => scores[label] ?? ""),
      ];
    });
  return { text: `${[head, ...rows].map((row) => row.map(plain).join(",")).join("\r\n")}\r\n`, n: rows.length };
}

function download({ items, about }) {
  const { text, n } = csv(items, about);
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = make("a", { href: url, download: "answers.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  toast(`answers.csv, ${n.toLocaleString("en")} ${n === 1 ? "row" : "rows"}.`);
}

// Arrows within the grid: true where the key was one.
export function walk(event) {
  const at = event.target.closest?.(".opens");
  if (!at || !event.key.startsWith("Arrow")) return false;
  const all = [...document.querySelectorAll(".opens")];
  const across = $("tiles") ? getComputedStyle($("tiles")).gridTemplateColumns.split(" ").length : 1;
  const to = all[all.indexOf(at) + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key]];
  event.preventDefault();
  if (to) {
    for (const press of all) press.tabIndex = press === to ? 0 : -1;
    to.focus();
  }
  return true;
}

// Back in the grid, at the item one came from.
export function focusOn(one) {
  const place = one && made.get(one);
  const press = place?.querySelector(".opens");
  if (!press?.isConnected) return false;
  for (const other of document.querySelectorAll(".opens")) other.tabIndex = other === press ? 0 : -1;
  press.focus();
  return true;
}
