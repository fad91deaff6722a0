// The page that tries a model: where one is, and what has come. Who answers stands in answerer.js.

import * as camera from "./camera.js";
import * as correcting from "./correcting.js";
import { $, button, count, make, name, note, put, say, toast } from "./dom.js";
import * as empty from "./empty.js";
import * as giving from "./giving.js";
import * as item from "./item.js";
import * as keys from "./keys.js";
import * as many from "./many.js";
import { draw as masthead, thing } from "./masthead.js";
import * as microphone from "./microphone.js";
import { forget } from "./pictures.js";
import * as queue from "./queue.js";
import { draw as drawToolbar } from "./toolbar.js";

const { items } = queue;
let about = null;
let answerer = null;
let why = null; // null: not chosen yet
let came = null;
let early = []; // given before the model was there

const page = {
  get about() {
    return about;
  },
  get corrections() {
    return about?.corrections ? answerer.corrections : null;
  },
  get stays() {
    return stays();
  },
  get items() {
    return items;
  },
  get word() {
    return thing(about);
  },
  get allStay() {
    return stays()
      .replace(/^It stays/, "They stay")
      .replace(/^It is/, "They are");
  },
  n: () => items.length,
  place: () => place(),
  shown: () => shown(),
  chosen: (value) => chosen(value),
  step: (by) => step(by),
  why: () => why ?? about.modality !== "image", // words and moments at once; squares take as many pictures: when asked for
  turn: (on) => {
    why = on;
    look();
    item.update(item.current());
  },
  state: (text) => {
    document.documentElement.dataset.state = text;
  },
  all: () => go("all"),
  gathered: () => {
    came = null;
    go("all");
  }, // what is new has the page, not the item one came from
  open: (one) => go(`item-${one.id}`),
  choose: () => $("file").click(),
  leave: () => go(items.length ? "all" : ""),
  give: (files) => give(files),
  keep: (one) => {
    queue.add([one]);
    toolbar();
  },
  drop: (one) => {
    queue.remove(one);
    toolbar();
  },
  recorded: (samples) => {
    const one = queue.entry(samples, `recording ${items.filter(({ kind }) => kind === "samples").length + 1}`);
    queue.add([one]);
    page.open(one);
  },
  submit: (text) => {
    const one = queue.entry(text);
    queue.add([one]);
    page.open(one);
  },
  stop: () => {
    queue.stop();
    many.update(page);
  },
  resume: () => {
    queue.resume();
    $("banner").replaceChildren();
    redraw();
  },
  lost: (error) => lost(error),
  lostNow: () => queue.is.lost,
  explain: (content, signal) => answerer.answer(content, { why: true, signal }),
  takeBack: (one) => item.takeBack(one),
  leaveOut: (one) => leaveOut(one),
  redraw: (one) => {
    item.update(one);
    page.onredraw?.(one);
    if ($("h-many")) many.update(page, one);
  },
  onredraw: null,
};

const device = () => (matchMedia("(pointer: coarse)").matches ? "phone" : "computer");
const stays = () =>
  about.stays ? `It stays on this ${device()}.` : `It is sent to ${location.host}, where the model runs.`;

// ---- Where one is
const place = () => location.hash.slice(1);
function go(where) {
  if (place() !== where) history.pushState(null, "", location.href.split("#")[0] + (where && `#${where}`));
  show();
}
const shown = () => {
  const found = /^item-(\d+)$/.exec(place());
  return found ? items.find(({ id }) => id === Number(found[1])) : null;
};
function step(by) {
  const to = items[items.indexOf(shown()) + by];
  if (to) page.open(to);
}
const look = () => queue.look(shown(), page.why());

function show() {
  if (!about) return;
  const was = came;
  camera.close();
  microphone.close();
  many.forget();
  item.leave();
  page.onredraw = null;
  delete $("main").dataset.answers;
  const one = shown();
  came = one;
  $("veil").hidden = true;
  if ($("help").open) $("help").close();
  $("about").open = matchMedia("(min-width: 44.01rem)").matches || (!items.length && place() === "");
  look();
  const view = place();
  toolbar();
  if (one) item.show(one);
  else if (view === "all" && items.length) {
    many.show(page);
    page.state("many");
  } else if (view === "camera" && about.modality === "image") camera.offer(page);
  else if (view === "record" && about.modality === "audio") microphone.offer(page);
  else if (view === "texts" && about.modality === "text") empty.lines(page);
  else if (about.modality === "text") {
    item.show(null);
    empty.samples(page);
  } else empty.first(page);
  if (!one && view !== "all") scrollTo(0, 0);
  // Whoever uses the keyboard goes on where they were: in the grid at the item, elsewhere at the answer.
  if (view === "all" && was && many.focusOn(was)) return;
  if (document.activeElement === document.body && document.documentElement.dataset.ready)
    $("main").focus({ preventScroll: true });
}

const toolbar = () => drawToolbar(page);

function redraw(one = item.current()) {
  toolbar();
  item.update(one);
  if ($("h-many")) many.update(page, one);
}

// ---- What is given, and left out
async function give(given) {
  if (!given.length) return;
  if (about) return giving.give(given, page);
  early.push(...given);
  return loading();
}

function leaveOut(one) {
  const at = queue.remove(one);
  forget(one);
  toast("Left out.", () => {
    items.splice(at, 0, one);
    page.open(one);
  });
  go(items.length ? "all" : "");
}

// The tap on a way in is the tap that starts camera or microphone.
function chosen(value) {
  if (value === "") return go(items.length && about.modality !== "text" ? "all" : "");
  go(value);
  if (value === "camera") return camera.start(page);
  if (value === "record") return microphone.start(page);
}

// ---- The model comes, fails, is lost, is made anew
let bytes = null;
let begun = 0;
function loading() {
  const line = make("progress", { "aria-label": "Loading the model" });
  if (bytes) [line.max, line.value] = [bytes.total, bytes.done];
  const mb = (n) => (n / 1e6).toFixed(1);
  const spent = (performance.now() - begun) / 1000;
  const left = bytes && spent > 2 ? (spent / bytes.done) * (bytes.total - bytes.done) : 0;
  const told = bytes
    ? [
        make(
          "p",
          {},
          make("span", {}, `${mb(bytes.done)} of ${mb(bytes.total)} MB`),
          make("span", {}, left ? `about ${Math.max(1, Math.round(left))} s left` : ""),
        ),
      ]
    : [];
  const queued = early.length ? `${count(early.length, "item")} ${early.length === 1 ? "waits" : "wait"}; ` : "";
  put(
    $("main"),
    make(
      "div",
      { class: "loading" },
      make("p", { class: "lead" }, "Loading the model"),
      make("div", { class: "progress" }, line, told),
      make(
        "p",
        { class: "quiet" },
        `${bytes ? "Once only: your browser keeps it, and the page then works without a network. " : ""}You can drop files now; ${queued}they are answered as soon as it is there.`,
      ),
    ),
  );
  page.state("busy");
}

async function start() {
  begun = performance.now();
  bytes = null;
  const waiting = setTimeout(loading, 300);
  try {
    if (!answerer) {
      answerer = await import("./answerer.js");
      const told = { progress: progressed, newversion: newVersion, offline, online };
      for (const [kind, act] of Object.entries(told)) answerer.events.addEventListener(kind, act);
    }
    about = await answerer.open();
  } catch (error) {
    clearTimeout(waiting);
    return failed(error);
  }
  clearTimeout(waiting);
  masthead(about);
  $("file").accept =
    about.accept ??
    { image: "image/jpeg,image/png,image/webp,image/gif,image/bmp", audio: "audio/*", text: "text/plain,.txt" }[
      about.modality
    ];
  $("promise").textContent = about.stays
    ? `Everything is worked out on this ${device()}. Nothing that you give leaves it.`
    : `What you give is sent to ${location.host}, where the model runs.`;
  put(
    $("sources"),
    about.sources?.length
      ? [
          "Learned from: ",
          [about.sources].flat().map((text, i) => [i ? ", " : "", name(typeof text === "string" ? text : text.name)]),
        ]
      : "",
  );
  $("veil-where").textContent = page.allStay;
  for (const row of document.querySelectorAll("#help [data-for]"))
    row.hidden = !row.dataset.for.split(" ").includes(about.modality);
  correcting.begin(page);
  item.begin(page);
  queue.begin(answerer, about, answered);
  if (shown() || place() === "all") history.replaceState(null, "", location.href.split("#")[0]); // of an earlier visit
  show();
  document.documentElement.dataset.ready = "yes";
  await give(early.splice(0));
}

// An item has its answer, or the model is lost; null: all is done.
function answered(one, error) {
  if (error) return lost(error);
  if (one === null) {
    document.documentElement.dataset.busy = "no";
    return;
  }
  document.documentElement.dataset.busy = "yes";
  item.update(one);
  keys.walk();
  if ($("h-many")) many.update(page, one);
  if ($("h-many") && !queue.items.some((other) => !other.answer && !other.stopped))
    say(`${items.length} of ${items.length} answered.`);
}

function failed(error) {
  const details = error.details ?? "";
  put(
    $("main"),
    make(
      "div",
      { class: "failure" },
      note(
        "error",
        ["The model could not be loaded.", error.message ?? String(error), error.hint ?? "Load it again."],
        button("Load again", () => (answerer ? start() : location.reload()), "primary"),
      ),
      make(
        "details",
        {},
        make("summary", {}, "For a report of this error"),
        make(
          "pre",
          { tabindex: 0 },
          [details, navigator.userAgent, `${innerWidth} × ${innerHeight}`].filter(Boolean).join("\n"),
        ),
      ),
    ),
  );
  page.state("failed");
  document.documentElement.dataset.ready = "failed";
}

function progressed({ detail: { done, total, what } }) {
  if (about) return what === "why" || !what ? item.progress(done, total) : null;
  bytes = { done, total };
  return loading();
}

function lost(error) {
  put(
    $("banner"),
    note(
      "warning",
      [error.message || "The model does not answer.", "What you gave is kept in this page.", error.hint],
      button("Try again", page.resume),
    ),
  );
  say(error.message || "The model does not answer.");
}

function offline({ detail = {} }) {
  if (detail.works === false) return lost(detail);
  put(
    $("banner"),
    note("info", [
      detail.message ?? "You are offline.",
      detail.hint ?? "Everything here works all the same: the model is kept in this browser.",
    ]),
  );
}

const online = () => $("banner").replaceChildren();

function newVersion({ detail = {} }) {
  const { now, next } = detail;
  put(
    $("banner"),
    note(
      "info",
      [
        "A newer version of this page is there.",
        now && next ? `You use ${now}; ${next} is loaded.` : "What you see is the older one.",
        `Reloading forgets the ${thing(about)}s tried here; corrections stay.`,
      ],
      button("Reload", () => location.reload()),
      button("Later", () => $("banner").replaceChildren(), "plain"),
    ),
  );
}

$("file").addEventListener("change", () => {
  const files = [...$("file").files];
  $("file").value = "";
  give(files);
});
$("back").addEventListener("click", () => step(-1));
$("next").addEventListener("click", () => step(1));
$("all").addEventListener("click", page.all);
$("add").addEventListener("click", page.choose);
$("keys").addEventListener("click", () => $("help").showModal());
$("help-close").addEventListener("click", () => $("help").close());
addEventListener("popstate", show);
keys.begin(page);
start();
