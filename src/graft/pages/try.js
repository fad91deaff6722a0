// The page that tries a model: what is given, where one is, keys, paste and drop. Who answers stands in answerer.js.

import * as camera from "./camera.js";
import * as correcting from "./correcting.js";
import { $, button, count, from, icon, make, name, note, put, say, toast } from "./dom.js";
import * as item from "./item.js";
import * as many from "./many.js";
import { draw as masthead, thing } from "./masthead.js";
import * as microphone from "./microphone.js";
import { forget, refusal, tileOf } from "./pictures.js";
import * as queue from "./queue.js";

const FILES = 10_000; // of a folder that is dropped
const { items } = queue;
let about = null;
let answerer = null;
let why = null; // null: not chosen yet
let came = null;
let early = []; // given before the model was there

const page = {
  get about() { return about; },
  get corrections() { return about?.corrections ? answerer.corrections : null; },
  get stays() { return stays(); },
  get items() { return items; },
  get word() { return thing(about); },
  n: () => items.length,
  why: () => why ?? about.modality !== "image", // words and moments at once; squares take as many pictures: when asked for
  turn: (on) => { why = on; look(); item.update(item.current()); },
  state: (text) => { document.documentElement.dataset.state = text; },
  all: () => go("all"),
  open: (one) => go(`item-${one.id}`),
  choose: () => $("file").click(),
  leave: () => go(items.length ? "all" : ""),
  give: (files) => give(files),
  keep: (one) => { queue.add([one]); toolbar(); },
  drop: (one) => { queue.remove(one); toolbar(); },
  recorded: (samples) => { const one = queue.entry(samples, `recording ${items.filter(({ kind }) => kind === "samples").length + 1}`); queue.add([one]); page.open(one); },
  submit: (text) => { const one = queue.entry(text); queue.add([one]); page.open(one); },
  stop: () => { queue.stop(); many.update(page); },
  resume: () => { queue.resume(); $("banner").replaceChildren(); redraw(); },
  lost: (error) => lost(error),
  lostNow: () => queue.is.lost,
  explain: (content, signal) => answerer.answer(content, { why: true, signal }),
  takeBack: (one) => item.takeBack(one),
  leaveOut: (one) => leaveOut(one),
  redraw: (one) => { item.update(one); page.onredraw?.(one); if ($("h-many")) many.update(page, one); },
  onredraw: null,
};

const device = () => (matchMedia("(pointer: coarse)").matches ? "phone" : "computer");
const stays = () => (about.stays ? `It stays on this ${device()}.` : `It is sent to ${location.host}, where the model runs.`);
const all = () => `${stays().replace(/^It stays/, "They stay").replace(/^It is/, "They are")}`;

// ---- Where one is
const place = () => location.hash.slice(1);
function go(where) {
  if (place() !== where) history.pushState(null, "", location.href.split("#")[0] + (where && `#${where}`));
  show();
}
const shown = () => { const found = /^item-(\d+)$/.exec(place()); return found ? items.find(({ id }) => id === Number(found[1])) : null; };
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
  came = one ?? was;
  $("veil").hidden = true;
  if ($("help").open) $("help").close();
  $("about").open = matchMedia("(min-width: 44.01rem)").matches || (!items.length && place() === "");
  look();
  const view = place();
  toolbar();
  if (one) item.show(one);
  else if (view === "all" && items.length) { many.show(page); page.state("many"); }
  else if (view === "camera" && about.modality === "image") camera.offer(page);
  else if (view === "record" && about.modality === "audio") microphone.offer(page);
  else if (view === "texts" && about.modality === "text") texts();
  else if (about.modality === "text") { item.show(null); samples(); }
  else first();
  if (!one && view !== "all") scrollTo(0, 0);
  // Whoever uses the keyboard goes on where they were: in the grid at the item, elsewhere at the answer.
  if (view === "all" && was && many.focusOn(was)) return;
  if (document.activeElement === document.body && !document.querySelector("#given")) $("main").focus({ preventScroll: true });
}

function redraw(one = item.current()) {
  toolbar();
  item.update(one);
  if ($("h-many")) many.update(page, one);
}

// ---- Toolbar and dock
function toolbar() {
  const view = place();
  const one = shown();
  const { modality } = about;
  const word = thing(about);
  const WAYS = { image: [["", "photo", "Photos"], ["camera", "camera", "Camera"]], audio: [["", "wave", "Files"], ["record", "mic", "Microphone"]], text: [["", "", "One text"], ["texts", "", "Many texts"]] }[modality];
  const way = ["camera", "record", "texts"].includes(view) ? view : modality === "text" && view === "all" ? "texts" : "";
  const focused = document.activeElement?.name === "way";
  put($("ways"), make("legend", { class: "hidden" }, "Where from"), WAYS.map(([value, picture, text]) =>
    make("label", {}, make("input", { type: "radio", name: "way", value, checked: value === way, onclick: () => chosen(value) }), picture ? icon(picture) : "", text)));
  if (focused) $("ways").querySelector(":checked")?.focus();
  const several = one && items.length > 1;
  if (one) {
    const at = items.indexOf(one);
    $("where").textContent = `${at + 1} of ${items.length.toLocaleString("en")}`;
    $("back").disabled = at === 0;
    $("next").disabled = at === items.length - 1;
  }
  $("all").hidden = !several && !(items.length && !one && view !== "all");
  $("place").hidden = $("all").hidden;
  for (const id of ["back", "where", "next"]) $(id).hidden = !one;
  const live = view === "camera" || view === "record";
  $("add").hidden = modality === "text" || live || (!one && view !== "all") || !items.length;
  $("add").querySelector("span").textContent = `Add ${word}s`;
  const dock = !items.length || (!one && view !== "all") ? null
    : { image: [["Camera", "camera", () => chosen("camera"), ""], ["Add photos", "add", page.choose, "primary"]], audio: [["Add files", "add", page.choose, ""], ["Record", "mic", () => chosen("record"), "primary"]] }[modality];
  $("dock").hidden = !dock;
  put($("dock"), (dock ?? []).map(([text, picture, act, kind]) => button([icon(picture), text], act, kind)));
  $("toolbar").hidden = false;
}

// The tap on a way in is the tap that starts camera or microphone.
function chosen(value) {
  if (value === "") return go(items.length && about.modality !== "text" ? "all" : "");
  go(value);
  if (value === "camera") return camera.start(page);
  if (value === "record") return microphone.start(page);
}

// ---- Nothing yet
function first() {
  const word = thing(about);
  put($("main"), from("t-empty"));
  const main = $("main");
  main.querySelector(".by-mouse.lead").textContent = `Drop ${word}s here`;
  main.querySelector(".by-touch.lead").textContent = about.modality === "image" ? "What is on your photo?" : "What is to be heard?";
  const paste = about.modality === "image" ? [", or paste one with ", make("kbd", {}, "Ctrl"), " ", make("kbd", {}, "V")] : "";
  put(main.querySelector(".quiet .by-mouse"), "One or hundreds", paste, `. ${all()}`);
  main.querySelector(".quiet .by-touch").textContent = `One or hundreds. ${all()}`;
  put(main.querySelector(".primary"), icon(about.modality === "image" ? "photo" : "wave"), `Choose ${word}s`);
  const label = main.querySelector(".first");
  label.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); page.choose(); } });
  samples();
  page.state("empty");
}

function samples() {
  const given = about.samples ?? [];
  const box = document.querySelector(".samples") ?? from("t-samples").firstElementChild;
  if (!given.length) return box.remove();
  if (!box.isConnected) $("main").append(box);
  box.querySelector(".quiet").textContent = about.samples_learned === false ? "The model has not learned from them." : "";
  const list = box.querySelector("ul");
  if (given.some(({ text }) => text)) list.className = "strip quotes";
  const fetched = async ({ address, name: file }) => {
    const response = await fetch(new URL(address, document.baseURI));
    if (!response.ok) return toast(`${file} could not be loaded.`);
    give([new File([await response.blob()], file)]);
  };
  put(list, given.map((one) => make("li", {}, make("button", { type: "button", "aria-label": `Try ${one.text ?? one.name}`, onclick: () => (one.text ? page.submit(one.text) : fetched(one)) },
    one.text ? make("span", { class: "quote" }, one.text) : about.modality === "image" ? tileOf(one.address) : make("span", { class: "quote" }, one.name)))));
}

// Many texts: one a line.
function texts() {
  put($("main"), from("t-lines"));
  $("lines-help").textContent = all();
  $("lines").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = $("many-given").value.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
    if (given.length) return give(given);
    $("many-given").setAttribute("aria-invalid", "true");
    $("lines-help").textContent = "There is no text yet. Write one a line, or drop a text file.";
    $("many-given").focus();
  });
  page.state("texts");
}

// ---- What is given
async function give(given) {
  if (!given.length) return;
  if (!about) {
    early.push(...given);
    return loading();
  }
  let entries = [];
  for (const one of given) {
    if (about.modality === "text" && typeof one !== "string") entries.push(...(await one.text()).split(/\r?\n/).map((line) => line.trim()).filter(Boolean).map((line) => queue.entry(line)));
    else entries.push(queue.entry(one, one.name ?? ""));
  }
  entries = entries.slice(0, FILES);
  if (!entries.length) return toast("There is no text in it.");
  for (const one of entries) {
    const error = await refusal(one, about.modality);
    if (error) one.answer = { error };
  }
  queue.add(entries);
  if (entries.length === 1 && place() !== "all") return page.open(entries[0]);
  return go("all");
}

function leaveOut(one) {
  const at = queue.remove(one);
  forget(one);
  toast("Left out.", () => { items.splice(at, 0, one); page.open(one); });
  go(items.length ? "all" : "");
}

// All files of what was dropped, folders too.
async function dropped(transfer) {
  const entries = [...transfer.items].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some(({ isDirectory }) => isDirectory)) return [...transfer.files];
  const files = [];
  const walk = async (one) => {
    if (files.length >= FILES || one.name.startsWith(".")) return;
    if (one.isFile) return files.push(await new Promise((done, fail) => one.file(done, fail)));
    const reader = one.createReader();
    for (;;) {
      const part = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!part.length) return;
      for (const inner of part) await walk(inner);
    }
  };
  for (const one of entries) await walk(one);
  return files;
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
  const told = bytes ? [make("p", {}, make("span", {}, `${mb(bytes.done)} of ${mb(bytes.total)} MB`), make("span", {}, left ? `about ${Math.max(1, Math.round(left))} s left` : ""))] : [];
  const queued = early.length ? `${count(early.length, "item")} ${early.length === 1 ? "waits" : "wait"}; ` : "";
  put($("main"), make("div", { class: "loading" }, make("p", { class: "lead" }, "Loading the model"), make("div", { class: "progress" }, line, told),
    make("p", { class: "quiet" }, `${bytes ? "Once only: your browser keeps it, and the page then works without a network. " : ""}You can drop files now; ${queued}they are answered as soon as it is there.`)));
  page.state("busy");
}

async function start() {
  begun = performance.now();
  bytes = null;
  const waiting = setTimeout(loading, 300);
  try {
    answerer ??= await import("./answerer.js");
    answerer.events.addEventListener("progress", progressed);
    answerer.events.addEventListener("newversion", newVersion);
    answerer.events.addEventListener("offline", offline);
    answerer.events.addEventListener("online", online);
    about = await answerer.open();
  } catch (error) {
    clearTimeout(waiting);
    return failed(error);
  }
  clearTimeout(waiting);
  masthead(about);
  $("file").accept = about.accept ?? { image: "image/jpeg,image/png,image/webp,image/gif,image/bmp", audio: "audio/*", text: "text/plain,.txt" }[about.modality];
  $("promise").textContent = about.stays ? `Everything is worked out on this ${device()}. Nothing that you give leaves it.` : `What you give is sent to ${location.host}, where the model runs.`;
  put($("sources"), about.sources?.length ? ["Learned from: ", [about.sources].flat().map((text, i) => [i ? ", " : "", name(typeof text === "string" ? text : text.name)])] : "");
  $("veil-where").textContent = all();
  for (const row of document.querySelectorAll("#help [data-for]")) row.hidden = !row.dataset.for.split(" ").includes(about.modality);
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
    return look.done?.();
  }
  document.documentElement.dataset.busy = "yes";
  item.update(one);
  walk();
  if ($("h-many")) many.update(page, one);
  if ($("h-many") && !queue.items.some((other) => !other.answer && !other.stopped)) say(`${items.length} of ${items.length} answered.`);
}

function failed(error) {
  const details = error.details ?? "";
  put($("main"), make("div", { class: "failure" }, note("error", ["The model could not be loaded.", error.message ?? String(error), error.hint ?? "Load it again."], button("Load again", () => (answerer ? start() : location.reload()), "primary")),
    make("details", {}, make("summary", {}, "For a report of this error"), make("pre", { tabindex: 0 }, [details, navigator.userAgent, `${innerWidth} × ${innerHeight}`].filter(Boolean).join("\n")))));
  page.state("failed");
  document.documentElement.dataset.ready = "failed";
}

function progressed({ detail: { done, total, what } }) {
  if (about) return what === "why" || !what ? item.progress(done, total) : null;
  bytes = { done, total };
  return loading();
}

function lost(error) {
  put($("banner"), note("warning", [error.message || "The model does not answer.", "What you gave is kept in this page.", error.hint], button("Try again", page.resume)));
  say(error.message || "The model does not answer.");
}

function offline({ detail = {} }) {
  if (detail.works === false) return lost(detail);
  put($("banner"), note("info", [detail.message ?? "You are offline.", detail.hint ?? "Everything here works all the same: the model is kept in this browser."]));
}

const online = () => $("banner").replaceChildren();

function newVersion({ detail = {} }) {
  const { now, next } = detail;
  put($("banner"), note("info", ["A newer version of this page is there.", now && next ? `You use ${now}; ${next} is loaded.` : "What you see is the older one.", `Reloading forgets the ${thing(about)}s tried here; corrections stay.`],
    button("Reload", () => location.reload()), button("Later", () => $("banner").replaceChildren(), "plain")));
}

// ---- Keys, paste and drop, wherever one is
const typing = (target) => target.closest?.("input:not([type=radio]):not([type=checkbox]):not([type=file]), textarea, select");
const letters = () => $("letters").checked;
function step(by) {
  const to = items[items.indexOf(shown()) + by];
  if (to) page.open(to);
}

function flipWhy() {
  const input = document.querySelector("input[name=why]:not(:checked)");
  if (!input) return;
  input.click();
  input.focus();
  walking = input.value === "why";
  walk();
}

// Whoever turned to the squares by a key walks over them once they are there.
let walking = false;
function walk() {
  if (!walking || document.activeElement?.name !== "why") return;
  const square = document.querySelector(".why [tabindex='0']");
  square?.focus();
  walking = !square;
}

document.addEventListener("keydown", (event) => {
  if (!about) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) return event.target.form.requestSubmit();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ($("help").open) return;
  if (event.key === "Escape") {
    if (correcting.isOpen()) return $("cancel").click();
    if (!$("veil").hidden) { $("veil").hidden = true; return; }
    if (shown() && items.length > 1 && !typing(event.target)) return page.all();
    if (camera.isOn() || microphone.isOn()) return page.leave();
  }
  if (typing(event.target)) return;
  if (many.walk(event)) return;
  if (event.target.matches("input[type=radio]") && event.key.startsWith("Arrow")) return;
  if (shown() && event.key === "ArrowLeft") return step(-1);
  if (shown() && event.key === "ArrowRight") return step(1);
  if (event.key === "?") return $("help").showModal();
  if (event.key === " " && camera.isOn() && !event.target.closest("button, label, a, summary")) { event.preventDefault(); return $("snap")?.click(); }
  if (!letters() || event.key.length !== 1) return;
  const picks = [...document.querySelectorAll(".pick")];
  if (picks.length && /\d/.test(event.key)) {
    const pick = picks.find((one) => one.querySelector("kbd").textContent === event.key);
    if (pick) { event.preventDefault(); pick.click(); }
    return;
  }
  const act = { o: () => about.modality !== "text" && page.choose(), c: () => about.modality === "image" && chosen("camera"), m: () => about.modality === "audio" && chosen("record"), g: () => items.length && page.all(),
    x: () => $("is-wrong")?.click(), u: () => toast.undo?.(), w: flipWhy }[event.key];
  if (act) { event.preventDefault(); act(); }
});

document.addEventListener("paste", (event) => {
  if (!about || typing(event.target)) return;
  const files = [...event.clipboardData.files];
  const text = event.clipboardData.getData("text/plain");
  if (files.length) give(files);
  else if (about.modality === "text" && text.trim()) page.submit(text);
});

let depth = 0;
const holds = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
document.addEventListener("dragenter", (event) => { if (!holds(event)) return; event.preventDefault(); depth += 1; $("veil").hidden = false; });
document.addEventListener("dragleave", (event) => { if (!holds(event)) return; depth -= 1; if (depth <= 0) $("veil").hidden = true; });
document.addEventListener("dragover", (event) => { if (holds(event)) event.preventDefault(); });
document.addEventListener("drop", async (event) => {
  if (!holds(event)) return;
  event.preventDefault();
  depth = 0;
  $("veil").hidden = true;
  give(await dropped(event.dataTransfer));
});

$("file").addEventListener("change", () => { const files = [...$("file").files]; $("file").value = ""; give(files); });
$("back").addEventListener("click", () => step(-1));
$("next").addEventListener("click", () => step(1));
$("all").addEventListener("click", page.all);
$("add").addEventListener("click", page.choose);
$("keys").addEventListener("click", () => $("help").showModal());
$("help-close").addEventListener("click", () => $("help").close());
$("letters").addEventListener("change", () => { try { localStorage.setItem("letters", $("letters").checked ? "on" : "off"); } catch { /* kept as long as the page */ } });
try { $("letters").checked = localStorage.getItem("letters") !== "off"; } catch { /* storage is closed: on */ }
addEventListener("popstate", show);
start();
