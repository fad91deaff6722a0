// The camera: live pictures are answered one at a time, and what comes meanwhile is dropped, never queued. Only the view is
// mirrored; the model, and what is saved, get the picture as it is.

import { bars, short, spoken, words } from "./answers.js";
import { $, button, buttons, from, icon, make, put, say, toast } from "./dom.js";
import * as correcting from "./correcting.js";
import { end, obstacle, reason, showRefusal } from "./devices.js";
import { explained } from "./photo.js";
import { fit } from "./pictures.js";
import { ask, entry } from "./queue.js";

const DARK = 6; // a picture that is nowhere brighter than this, of 255, is none yet
const PATIENCE = 10_000; // ms in which a camera may warm up
const PAUSE = 60; // ms between two pictures, so that the page stays usable
const HELD = 1000; // ms for which a class must hold before it is spoken

let run = null; // one run of the camera: {stream, over}

export const isOn = () => Boolean(run);
export function close() {
  if (!run) return;
  run.over = true;
  run.control?.abort();
  end(run.stream);
  for (const url of run.urls) URL.revokeObjectURL(url);
  run = null;
}

export function refused(why, page) {
  close();
  showRefusal("camera", why, page, () => start(page), "Choose photos", {
    accept: "image/*",
    capture: "environment",
    sign: "camera",
    label: "Take one photo",
    always: true,
  });
}

// Before the first picture that is not black nothing is answered.
function waiting(text, page) {
  put(
    $("main"),
    make(
      "div",
      { class: "item" },
      make("section", { class: "exhibit" }, make("div", { class: "frame stage" }, make("p", { class: "quiet" }, text))),
      make(
        "section",
        { class: "answer" },
        make("p", { class: "quiet" }, page.stays),
        buttons(button("Cancel", page.leave, "plain flush")),
      ),
    ),
  );
  say(text);
}

export function offer(page) {
  if (obstacle()) return refused(obstacle(), page);
  put(
    $("main"),
    make(
      "div",
      { class: "empty" },
      make("p", { class: "lead" }, "What the camera sees is answered while it looks."),
      make("p", { class: "quiet" }, page.stays),
      button([icon("camera"), "Start the camera"], () => start(page), "primary"),
    ),
  );
  page.state("camera-off");
}

export async function start(page, facing = "environment") {
  close();
  if (obstacle()) return refused(obstacle(), page);
  const mine = { over: false, urls: new Set(), stream: null, control: null };
  run = mine;
  waiting("The browser asks whether this page may use the camera.", page);
  page.state("camera-asking");
  try {
    mine.stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: facing }, width: { ideal: 960 }, height: { ideal: 720 } },
    });
  } catch (error) {
    if (mine.over) return;
    return refused(reason("camera", error), page);
  }
  if (mine.over) return end(mine.stream);
  const [track] = mine.stream.getVideoTracks();
  track.addEventListener("ended", () => {
    if (!mine.over) refused("ended", page);
  });
  const cameras = (await navigator.mediaDevices.enumerateDevices().catch(() => [])).filter(
    ({ kind }) => kind === "videoinput",
  ).length;
  const sees = track.getSettings().facingMode;
  if (mine.over) return;
  return live(mine, page, {
    front: sees ? sees === "user" : facing === "user" || !matchMedia("(pointer: coarse)").matches,
    cameras,
    facing,
  });
}

async function live(mine, page, { front, cameras, facing }) {
  waiting("Waiting for the first picture …", page);
  page.state("camera-starting");
  // In the page, muted and inline before it plays: phones show nothing else.
  const video = make("video", { muted: true, playsinline: true, autoplay: true, "aria-label": "What the camera sees" });
  video.muted = true;
  const stage = document.querySelector(".stage");
  const box = make("div", { class: `fit ${front ? "mirrored" : ""}` }, video);
  box.hidden = true;
  stage.append(box);
  video.srcObject = mine.stream;
  video.play().catch(() => {});
  const canvas = make("canvas");
  const probe = make("canvas");
  [probe.width, probe.height] = [32, 24];
  const pens = [canvas.getContext("2d"), probe.getContext("2d", { willReadFrequently: true })];

  const grab = async () => {
    const [w, h] = [video.videoWidth, video.videoHeight];
    if (!w || video.readyState < 2) return null;
    pens[1].drawImage(video, 0, 0, 32, 24);
    if (pens[1].getImageData(0, 0, 32, 24).data.every((value, i) => i % 4 === 3 || value <= DARK)) return null;
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    pens[0].drawImage(video, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
    return blob && { blob, w, h };
  };
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));

  const began = performance.now();
  let first = await grab();
  while (!first && !mine.over) {
    if (performance.now() - began > PATIENCE) return refused("black", page);
    await rest(50);
    first = await grab();
  }
  if (mine.over) return;

  // ---- The first picture is there: the page of the live answer
  const part = from("t-item");
  part.querySelector(".nearest").remove();
  const figure = make("div", {}, from("t-camera")).firstElementChild;
  figure.querySelector(".stage").replaceChildren(box, figure.querySelector(".rate"));
  box.hidden = false;
  video.play().catch(() => {});
  part.querySelector(".exhibit").append(figure);
  const gets = make(
    "div",
    { class: "gets" },
    make("span", { class: "frame tile" }),
    make(
      "p",
      { class: "small" },
      front
        ? "What the model gets, and what is saved. Only your view is mirrored."
        : "What the model gets, and what is saved.",
    ),
  );
  part.querySelector(".wrong").before(gets);
  put($("main"), part);
  page.state("camera");
  const [snap, pause, turn] = ["snap", "pause", "turn"].map($);
  turn.hidden = cameras < 2;
  turn.querySelector("span").textContent = facing === "environment" ? "Front" : "Rear";
  let paused = null; // the item that stands still
  let latest = first; // what was seen last: a camera may stutter just when somebody presses
  let why = false;
  let frames = 0;
  let since = performance.now();
  let held = { label: "", at: 0, said: "" };

  const keepUrl = (blob) => {
    const url = URL.createObjectURL(blob);
    mine.urls.add(url);
    return url;
  };
  const dropUrl = (url) => {
    URL.revokeObjectURL(url);
    mine.urls.delete(url);
  };
  const main = $("main");
  const draw = (one) => {
    put(main.querySelector(".said"), words(one, page.about, page.takeBack(one)));
    bars(one, main);
    const image = gets.querySelector("img");
    const url = keepUrl(one.content);
    put(gets.querySelector(".tile"), fit(url, one.w, one.h));
    if (image) dropUrl(image.src);
  };
  const offered = () => {
    const box = main.querySelector(".wrong");
    if (paused) return correcting.offer(paused, box);
    if (!page.corrections) return;
    put(
      box,
      buttons(
        button(
          "This is wrong",
          async () => {
            await halt();
            correcting.offer(paused, box, true);
          },
          "",
          { id: "is-wrong", "aria-keyshortcuts": "x" },
        ),
      ),
    );
  };
  const answered = async (frame) => {
    const one = Object.assign(entry(frame.blob, "camera.jpg"), { w: frame.w, h: frame.h });
    mine.control = new AbortController();
    one.answer = await ask(frame.blob, mine.control.signal);
    return one;
  };
  const failed = (error) => {
    if (mine.over || error.name === "AbortError") return;
    page.lost(error);
    page.leave();
  };
  const speak = (one) => {
    const label = short(one);
    const now = performance.now();
    if (label !== held.label) held = { label, at: now, said: held.said };
    else if (now - held.at >= HELD && held.said !== label) {
      held.said = label;
      say(spoken(one));
    }
  };

  // ---- Pause: one picture stands still, with its own answer, why, and correction
  let explaining = null;
  const rate = () => {
    figure.querySelector(".rate").textContent = paused ? "paused" : "";
  };
  async function halt() {
    if (paused) return;
    const frame = (await grab()) ?? latest;
    mine.control?.abort();
    video.pause();
    const still = Object.assign(entry(frame.blob, "camera.jpg"), { w: frame.w, h: frame.h });
    paused = still;
    pressed();
    rate();
    // What stands still is the very picture that is answered.
    const picture = make("img", { src: keepUrl(frame.blob), alt: "The picture that was paused" });
    box.append(picture);
    try {
      still.answer = await ask(frame.blob, (mine.control = new AbortController()).signal);
    } catch (error) {
      return failed(error);
    }
    if (mine.over || paused !== still) return;
    if (still.answer.error) return go();
    draw(still);
    offered();
    say(`Paused. ${spoken(still)}`);
    explaining = explained(still, figure.querySelector(".stage"), {
      canExplain: page.about.why,
      why: () => why,
      turn: (on) => {
        why = on;
        explain(still);
      },
    });
    figure.append(...explaining.nodes);
    explaining.fill();
  }
  async function explain(still) {
    explaining.fill();
    if (!why || still.answer.why) return;
    figure.querySelector("#cover").textContent = "Covering one square after another …";
    try {
      still.answer = {
        ...still.answer,
        why: (await page.explain(still.content, (mine.control = new AbortController()).signal)).why,
      };
    } catch (error) {
      return failed(error);
    }
    if (paused === still) explaining.fill();
  }
  function go() {
    const picture = box.querySelector("img");
    if (picture) dropUrl(picture.src);
    picture?.remove();
    box.querySelector(".why")?.remove();
    for (const node of explaining?.nodes ?? []) node.remove();
    [paused, explaining, why] = [null, null, false];
    mine.control?.abort();
    video.play().catch(() => {});
    pressed();
    offered();
    rate();
    say("Live.");
  }
  function pressed() {
    pause.setAttribute("aria-pressed", String(Boolean(paused)));
    put(pause, icon(paused ? "play" : "pause"), make("span", {}, paused ? "Go on" : "Pause"));
  }
  page.onredraw = (one) => {
    if (one === paused) {
      draw(one);
      offered();
    }
  };
  pause.addEventListener("click", () => (paused ? go() : halt()));
  turn.addEventListener("click", () => start(page, facing === "environment" ? "user" : "environment"));
  snap.addEventListener("click", async () => {
    const frame = paused ? { blob: paused.content, w: paused.w, h: paused.h } : ((await grab()) ?? latest);
    const one = entry(frame.blob, `camera-${page.n() + 1}.jpg`);
    if (paused?.answer) one.answer = paused.answer;
    page.keep(one);
    toast(`Kept as photo ${page.n()}.`, () => {
      page.drop(one);
      say("Not kept.");
    });
  });
  offered();

  const shaped = (frame) => {
    box.style.setProperty("--w", frame.w);
    box.style.setProperty("--h", frame.h);
  };
  shaped(first);
  let frame = first;
  while (!mine.over) {
    if (frame && !paused && !document.hidden && !page.lostNow()) {
      try {
        shaped(frame);
        const one = await answered(frame);
        if (mine.over) return;
        if (!paused && !one.answer.error) {
          draw(one);
          speak(one);
          frames += 1;
          const now = performance.now();
          if (now - since > 1000) {
            const n = Math.round((1000 * frames) / (now - since));
            figure.querySelector(".rate").textContent = n
              ? `${n} ${n === 1 ? "answer" : "answers"} a second`
              : "less than one answer a second";
            [frames, since] = [0, now];
          }
          main.dataset.answers = String(Number(main.dataset.answers ?? 0) + 1);
        }
      } catch (error) {
        failed(error);
      }
    }
    await rest(PAUSE);
    frame = mine.over ? null : await grab();
    latest = frame ?? latest;
  }
}
