// One item and its answer: photo, text and recording differ in what is shown of them only.

import { bars, spoken, words } from "./answers.js";
import * as correcting from "./correcting.js";
import { $, button, buttons, from, make, name, note, put, say } from "./dom.js";
import { thing } from "./masthead.js";
import * as photos from "./photo.js";
import { playButton, silence, exhibit as soundExhibit, shape } from "./sounds.js";
import { exhibit as textExhibit, fillWords } from "./texts.js";
import { tileOf } from "./pictures.js";
import { isExplaining } from "./queue.js";

let page = null;
let shown = null; // {one, answer, fill, progress, since}
export const begin = (given) => {
  page = given;
};
export const current = () => (shown && document.querySelector(".item, .failure") ? shown.one : null);
export function leave() {
  silence();
  shown = null;
}

const EXPLAINING = {
  image: "Covering one square after another",
  text: "Leaving out one word after another",
  audio: "Silencing one moment after another",
};

// The whole view of an item; null: a text that is still to be written.
export function show(one, { opened = false } = {}) {
  silence();
  shown = { one, fill: () => {}, progress: () => {}, started: performance.now(), drawn: {} };
  if (one?.answer?.error) return failed(one);
  const part = from("t-item");
  const exhibit = part.querySelector(".exhibit");
  const modality = page.about.modality;
  const facts = make("p", { class: "small facts" });
  if (modality === "image") {
    const frame = photos.exhibit(one);
    const why = photos.explained(one, frame, { canExplain: page.about.why, why: page.why, turn: page.turn });
    exhibit.append(frame, ...why.nodes, facts);
    Object.assign(shown, { fill: why.fill, progress: why.progress });
  } else if (modality === "text") {
    exhibit.append(...textExhibit(one, page));
    if (one) exhibit.append(facts);
    const section = exhibit.querySelector(".words");
    const hint = (done, total) =>
      one && isExplaining(one)
        ? `${EXPLAINING.text}${total ? `: ${done} of ${total}` : " …"}`
        : one?.silent
          ? "This answer could not be explained."
          : "";
    Object.assign(shown, {
      fill: () => fillWords(one, section, hint()),
      progress: (done, total) => fillWords(one, section, hint(done, total)),
    });
  } else {
    const { figure, fill } = soundExhibit(one);
    exhibit.append(figure, facts);
    const hint = (done, total) =>
      isExplaining(one)
        ? `${EXPLAINING.audio}${total ? `: ${done} of ${total}` : " …"}`
        : one.silent
          ? "This answer could not be explained."
          : "";
    Object.assign(shown, { fill: () => fill(hint()), progress: (done, total) => fill(hint(done, total)) });
  }
  exhibit.addEventListener("shaped", () => described(facts, one));
  put($("main"), part);
  fill(opened);
}

// A file that was not read: a note in three parts, and what can be done.
function failed(one) {
  const { message, hint, found } = one.answer.error;
  const word = thing(page.about);
  const [what, ...more] = message.split(/(?<=\.)\s+(?=[A-Z])/);
  put(
    $("main"),
    make(
      "div",
      { class: "failure" },
      make("h2", {}, name(one.name || word)),
      note(
        "error",
        [what, found ?? more.join(" "), hint],
        button("Leave it out", () => page.leaveOut(one)),
        page.n() > 1
          ? button(`All ${word}s`, page.all, "plain")
          : button(`Choose another ${word}`, page.choose, "plain"),
      ),
    ),
  );
  say(spoken(one));
  page.state("failed-item");
}

// What has come since: the answer, what explains it, the nearest. What is open or in focus stays.
function fill(opened = false) {
  const { one } = shown;
  const main = $("main");
  const answer = main.querySelector(".answer");
  const answered = Boolean(one?.answer);
  if (one?.answer?.error) return failed(one);
  answer.setAttribute("aria-busy", String(Boolean(one) && !answered));
  answer.hidden = !one;
  for (const kind of [".wrong", ".legend", ".bars", ".rest"]) answer.querySelector(kind).hidden = !answered;
  if (one && !answered) waiting(one, answer.querySelector(".said"));
  const nearest = main.querySelector(".nearest");
  nearest.hidden = !one?.answer?.nearest?.length;
  if (answered && (shown.drawn.answer !== one.answer || shown.drawn.own !== one.own)) {
    const fresh = !shown.drawn.answer || shown.drawn.own !== one.own;
    if (fresh) {
      put(answer.querySelector(".said"), words(one, page.about, takeBack(one)));
      bars(one, main);
      if (!correcting.isOpen() || shown.drawn.own !== one.own)
        correcting.offer(one, answer.querySelector(".wrong"), opened);
      neighbours(one, nearest);
      say(spoken(one));
    }
    shown.drawn = { answer: one.answer, own: one.own };
  }
  described(main.querySelector(".facts"), one);
  shown.fill();
  page.state(!one ? "empty" : answered ? "item" : "answering");
}

export const takeBack = (one) =>
  one.own ? buttons(button("Take back", () => correcting.takeBack(one), "plain flush")) : null;

// Nothing for 300 ms, then words, from 1 s on a line.
function waiting(one, said) {
  const word = { image: "Looking at it …", text: "Reading it …", audio: "Listening to it …" }[page.about.modality];
  const spent = performance.now() - shown.started;
  const draw = () => {
    if (shown?.one !== one || one.answer) return;
    const late = performance.now() - shown.started >= 950;
    put(
      said,
      make("p", { class: "waiting" }, one.stopped ? "It was left out." : word),
      one.stopped ? button("Answer it", page.resume) : "",
      late && !one.stopped ? make("progress", { "aria-label": word }) : "",
    );
  };
  if (said.childElementCount) return draw();
  setTimeout(draw, Math.max(0, 300 - spent));
  setTimeout(draw, Math.max(0, 1000 - spent));
}

function described(facts, one) {
  if (!facts || !one) return;
  const parts = [];
  if (one.w) parts.push(`${one.w.toLocaleString("en")} × ${one.h.toLocaleString("en")}`);
  if (one.answer && one.ms)
    parts.push(`${one.ms < 10 ? one.ms.toFixed(1) : Math.round(one.ms).toLocaleString("en")} ms`);
  const write = (more) =>
    put(
      facts,
      one.name ? name(one.name) : "",
      [...more, ...parts].map((text, i) => `${i || one.name ? " · " : ""}${text}`).join(""),
    );
  write([]);
  if (page.about.modality === "audio") {
    shape(one).then((found) => {
      if (!found) return;
      const channels =
        found.channels > 1 ? `${found.channels === 2 ? "two" : found.channels} channels, read as one` : "one channel";
      write([
        `${found.seconds.toFixed(1)} s`,
        ...(one.kind === "samples" ? [`${(one.content.rate / 1000).toLocaleString("en")} kHz`] : []),
        channels,
      ]);
    });
  }
}

function neighbours(one, part) {
  const { nearest = [], n_nearest: of = page.about.n_items, set = [], labels, label, unknown } = one.answer;
  if (!nearest.length) return;
  const word = thing(page.about);
  part.querySelector("h2").textContent = `Nearest training ${word}s`;
  const total = of ? of.toLocaleString("en") : "";
  const classes = page.about.task !== "regression";
  part.querySelector(".quiet").textContent = unknown
    ? total
      ? `Even the nearest of the ${total} is far away.`
      : "Even the nearest is far away."
    : `${total ? `Of ${total}, the` : "The"} nearest first${classes ? "; ≠ is of another class" : ""}.`;
  if (nearest.some(({ same }) => same))
    part.querySelector(".quiet").textContent += ` This very ${word} is among them.`;
  const own = (given) =>
    !classes ||
    unknown ||
    [given].flat().some((text) => set.includes(text) || text === label || labels?.includes(text));
  const list = part.querySelector("ul");
  const under = (near) =>
    make("p", { class: `small ${own(near.label) ? "" : "other"}` }, name([near.label].flat().join(", ")));
  const kind = nearest.some(({ thumbnail: has }) => has)
    ? "strip"
    : page.about.modality === "audio"
      ? "sounds"
      : "strip quotes";
  list.className = kind;
  put(
    list,
    nearest.map((near) => {
      if (kind === "strip") return make("li", {}, tileOf(near.thumbnail), under(near));
      if (kind === "sounds")
        return make(
          "li",
          {},
          near.sound ? playButton(near.sound, near.name ?? near.label) : "",
          make(
            "p",
            { class: "small" },
            make("span", { class: own(near.label) ? "" : "other" }, name(near.label)),
            near.name ? [make("br"), near.name] : "",
          ),
        );
      return make(
        "li",
        {},
        make("blockquote", {}, make("p", { dir: "auto" }, near.text ?? near.name ?? "")),
        under(near),
      );
    }),
  );
}

// An answer, an explanation or a correction has come.
export function update(one) {
  if (shown && shown.one === one && document.querySelector(".item, .failure")) fill();
}

export const progress = (done, total) => shown?.progress(done, total);
